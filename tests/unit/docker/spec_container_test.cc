#include "runtimes/docker/spec_container.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "controller/base/file.h"
#include "tests/support/support.h"
#include "tests/unit/docker/inspected.h"

namespace holdfast::docker {
namespace {

using holdfast::test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

SecretRef in_file(const std::string& path) {
  return {.source = SecretRef::Source::kFile, .name = path, .key = {}};
}
ServiceSpec web() {
  ServiceSpec spec;
  spec.name = "web";
  spec.spec_hash = "hash";
  spec.docker.image = "web:1";
  return spec;
}
CreateSpec made(const ServiceSpec& spec) {
  return container_of(spec, {"web", 2}, "0123456789abcdef", 7);
}

// What a command prints, if it succeeds.
std::string output_of(const std::string& command) {
  std::string text;
  std::array<char, 4096> buffer{};
  FILE* pipe = popen(command.c_str(), "r");
  while (const auto got = fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), got);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

TEST(SpecContainer, TellsWhoRunsWhere) {
  EXPECT_EQ(container_name("holdfast-", {"web", 2}), "holdfast-web-2");
  auto spec = web();
  for (const auto kind : {RuntimeKind::kAuto, RuntimeKind::kDocker}) {
    spec.runtime = kind;
    EXPECT_TRUE(runs_in_docker(spec));
  }
  for (const auto kind : {RuntimeKind::kProcess, RuntimeKind::kKubernetes}) {
    spec.runtime = kind;
    EXPECT_FALSE(runs_in_docker(spec));
  }
  EXPECT_FALSE(is_adopted(spec));
  spec.runtime = RuntimeKind::kDocker;
  spec.docker.image.clear();
  EXPECT_FALSE(runs_in_docker(spec));
  spec.docker.container = "postgres";
  EXPECT_TRUE(runs_in_docker(spec) && is_adopted(spec));
}

TEST(SpecContainer, TakesEveryOption) {
  auto spec = holdfast::docker::test::inspected_spec();
  spec.docker.extra_hosts = {"db:10.0.0.5"};
  spec.docker.devices = {"/dev/fuse"};
  spec.docker.security_opt = {"no-new-privileges"};
  spec.docker.group_add = {"audio"};
  spec.docker.tty = spec.docker.privileged = true;
  spec.docker.shm_size = 1 << 20;
  spec.logs = {.max_size = 1000, .max_files = 3};
  const auto out = made(spec);
  const auto& docker = spec.docker;
  EXPECT_EQ(out.image, docker.image);
  EXPECT_EQ(out.command, spec.argv);
  EXPECT_EQ(out.entrypoint, docker.entrypoint);
  EXPECT_EQ(out.working_dir, spec.working_dir);
  EXPECT_EQ(out.user, spec.user);
  EXPECT_EQ(out.hostname, docker.hostname);
  EXPECT_EQ(out.network, docker.network);
  EXPECT_EQ(out.volumes, docker.volumes);
  EXPECT_EQ(out.ports, docker.ports);
  EXPECT_EQ(out.tmpfs, docker.tmpfs);
  EXPECT_EQ(out.devices, docker.devices);
  EXPECT_EQ(out.extra_hosts, docker.extra_hosts);
  EXPECT_EQ(out.cap_add, docker.cap_add);
  EXPECT_EQ(out.cap_drop, docker.cap_drop);
  EXPECT_EQ(out.security_opt, docker.security_opt);
  EXPECT_EQ(out.group_add, docker.group_add);
  EXPECT_TRUE(out.read_only && out.init && out.tty && out.privileged);
  EXPECT_EQ(out.shm_size, 1 << 20);
  EXPECT_EQ(out.nano_cpus, 500'000'000);
  EXPECT_EQ(out.memory_bytes, 64 << 20);
  EXPECT_EQ(out.pids, 50);
  EXPECT_EQ(out.log_max_size, 1000);
  EXPECT_EQ(out.log_max_files, 3);
}

TEST(SpecContainer, LabelsItAsOursWhateverTheServiceSays) {
  auto spec = web();
  spec.labels = {{"team", "a"}, {kServiceLabel, "other"}, {kControllerLabel, "x"}};
  EXPECT_THAT(made(spec).labels,
              UnorderedElementsAre(Pair("team", "a"), Pair("holdfast.controller", "0123456789abcdef"),
                                   Pair("holdfast.service", "web"), Pair("holdfast.ordinal", "2"),
                                   Pair("holdfast.spec-hash", "hash"), Pair("holdfast.incarnation", "7")));
}

TEST(SpecContainer, HasAnAliasOnlyOnNetworksOfTheUsersOwn) {
  auto spec = web();
  for (const auto* network : {"", "bridge", "host", "none", "default", "container:db"}) {
    spec.docker.network = network;
    EXPECT_THAT(made(spec).network_aliases, IsEmpty()) << network;
  }
  spec.docker.network = "backend";
  EXPECT_THAT(made(spec).network_aliases, ElementsAre("web"));
}

TEST(SpecContainer, LimitsNothingThatIsNotDeclared) {
  const auto out = made(web());
  EXPECT_FALSE(out.nano_cpus || out.memory_bytes || out.pids || out.shm_size || out.entrypoint);
}

TEST(Secrets, AreFilesThatTheEnvironmentNames) {
  const TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "token", "very secret\n"));
  auto spec = web();
  spec.env = {{"PLAIN", "a=b"}, {"TOKEN", in_file(dir / "token")}};
  const auto out = made(spec);
  EXPECT_THAT(out.env, UnorderedElementsAre(Pair("PLAIN", "a=b"), Pair("TOKEN_FILE", "/run/secrets/TOKEN")));
  EXPECT_THAT(out.anonymous_volumes, IsEmpty());
  EXPECT_THAT(dump_json(create_body(out)), testing::Not(HasSubstr("very secret")));
}

TEST(Secrets, InAReadOnlyRootAreInAVolume) {
  auto spec = web();
  spec.docker.read_only = true;
  EXPECT_THAT(made(spec).anonymous_volumes, IsEmpty());  // none, no volume
  spec.env = {{"TOKEN", in_file("/etc/token")}};
  EXPECT_THAT(made(spec).anonymous_volumes, ElementsAre("/run/secrets"));
}

TEST(Secrets, AreUnpackedByTar) {
  const TempDir dir;
  const std::string exact(512, 'x'), big(70'001, 'y');
  ASSERT_TRUE(write_file_atomically(dir / "empty", "\n"));
  ASSERT_TRUE(write_file_atomically(dir / "exact", exact + "\r\n"));
  ASSERT_TRUE(write_file_atomically(dir / "big", big));
  auto spec = web();
  spec.env = {{"EMPTY", in_file(dir / "empty")},
              {"EXACT", in_file(dir / "exact")},
              {"BIG", in_file(dir / "big")},
              {"PLAIN", "no secret"}};
  const auto archive = secrets_archive(spec);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_EQ(archive->directory, "/");
  EXPECT_EQ(archive->tar.size() % 512, 0u);
  ASSERT_TRUE(write_file_atomically(dir / "secrets.tar", archive->tar));
  const auto tar = "cd " + dir.path() + " && tar ";
  EXPECT_EQ(output_of(tar + "tf secrets.tar 2>&1"),
            "run/secrets/BIG\nrun/secrets/EMPTY\nrun/secrets/EXACT\n");
  EXPECT_THAT(output_of(tar + "tvf secrets.tar --numeric-owner | head -1"),
              testing::StartsWith("-r--r--r-- 0/0           70001 1970-01-01"));
  EXPECT_EQ(output_of(tar + "xf secrets.tar 2>&1"), "");
  EXPECT_EQ(read_file(dir / "run/secrets/EMPTY"), "");
  EXPECT_EQ(read_file(dir / "run/secrets/EXACT"), exact);
  EXPECT_EQ(read_file(dir / "run/secrets/BIG"), big);
}

TEST(Secrets, InAVolumeHaveBareNames) {
  const TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "token", "very secret\n"));
  auto spec = web();
  spec.docker.read_only = true;
  spec.env = {{"TOKEN", in_file(dir / "token")}};
  const auto archive = secrets_archive(spec);
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->directory, "/run/secrets");
  ASSERT_TRUE(write_file_atomically(dir / "secrets.tar", archive->tar));
  EXPECT_EQ(output_of("tar tf " + (dir / "secrets.tar")), "TOKEN\n");
}

TEST(Secrets, ComeFromTheControllersEnvironmentToo) {
  auto spec = web();
  spec.env = {{"P", SecretRef{.source = SecretRef::Source::kEnv, .name = "PATH", .key = {}}}};
  const auto archive = secrets_archive(spec);
  ASSERT_TRUE(archive);
  EXPECT_THAT(archive->tar, HasSubstr(std::getenv("PATH")));
}

TEST(Secrets, NoneIsNoArchive) {
  auto spec = web();
  spec.env = {{"PLAIN", "x"}};
  EXPECT_EQ(secrets_archive(spec)->tar, "");
}

TEST(Secrets, ThatCannotBeReadNameTheirVariable) {
  auto spec = web();
  spec.env = {{"TOKEN", in_file("/nonexistent/token")}};
  const auto archive = secrets_archive(spec);
  ASSERT_FALSE(archive);
  EXPECT_EQ(archive.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(archive.error().message, HasSubstr("env TOKEN"));
}

}  // namespace
}  // namespace holdfast::docker
