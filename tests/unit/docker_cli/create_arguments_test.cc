#include "runtimes/docker/cli/create_arguments.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::docker {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

CreateSpec plain() {
  CreateSpec spec;
  spec.image = "web:1";
  return spec;
}
CreateArguments made(const CreateSpec& spec) {
  const auto arguments = create_arguments("web-0", spec);
  EXPECT_TRUE(arguments) << arguments.error().message;
  return arguments.value_or(CreateArguments{});
}
std::vector<std::string> tail_of(const CreateSpec& spec) {  // from --entrypoint or -- on
  const auto all = made(spec).arguments;
  auto at = std::find_if(all.begin(), all.end(), [](const auto& a) { return a.starts_with("--entrypoint"); });
  if (at == all.end()) at = std::find(all.begin(), all.end(), "--");
  return {at, all.end()};
}

TEST(CreateArguments, OfLittle) {
  const auto out = made(plain());
  EXPECT_THAT(out.arguments, ElementsAre("--name=web-0", "--pull=never", "--restart=no",
                                         "--log-driver=json-file", "--", "web:1"));
  EXPECT_TRUE(out.environment.empty());
  EXPECT_TRUE(out.input.empty());
}

TEST(CreateArguments, OfEveryField) {
  CreateSpec spec = plain();
  spec.labels = {{"a", "1,2=3"}, {"b", ""}};
  spec.working_dir = "/srv";
  spec.user = "7:8";
  spec.hostname = "host";
  spec.network = "blue";
  spec.network_aliases = {"web", "www"};
  spec.volumes = {"/data:/data:ro", "cache:/cache"};
  spec.anonymous_volumes = {"/scratch"};
  spec.ports = {"80", "8080:80", "127.0.0.1:9000-9001:90-91/udp", "[::1]:1:2"};
  spec.tmpfs = {"/tmp:size=1m"};
  spec.devices = {"/dev/fuse"};
  spec.extra_hosts = {"db:10.0.0.1"};
  spec.cap_add = {"NET_ADMIN"};
  spec.cap_drop = {"ALL"};
  spec.security_opt = {"no-new-privileges"};
  spec.group_add = {"video"};
  spec.read_only = spec.init = spec.tty = spec.privileged = true;
  spec.nano_cpus = 1'500'000'000;
  spec.memory_bytes = 64 << 20;
  spec.pids = 100;
  spec.shm_size = 1 << 20;
  spec.log_max_size = 1000;
  spec.log_max_files = 3;
  EXPECT_THAT(
      made(spec).arguments,
      ElementsAre(
          "--name=web-0", "--pull=never", "--restart=no", "--label=a=1,2=3", "--label=b=", "--workdir=/srv",
          "--volume=/data:/data:ro", "--volume=cache:/cache", "--volume=/scratch", "--tmpfs=/tmp:size=1m",
          "--device=/dev/fuse", "--init", "--tty", "--hostname=host", "--network=blue", "--network-alias=web",
          "--network-alias=www", "--add-host=db:10.0.0.1", "--publish=80/tcp", "--publish=8080:80/tcp",
          "--publish=127.0.0.1:9000:90/udp", "--publish=127.0.0.1:9001:91/udp", "--publish=[::1]:1:2/tcp",
          "--user=7:8", "--group-add=video", "--cap-add=NET_ADMIN", "--cap-drop=ALL",
          "--security-opt=no-new-privileges", "--privileged", "--read-only", "--cpus=1.500000000",
          "--memory=67108864", "--memory-swap=67108864", "--pids-limit=100", "--shm-size=1048576",
          "--log-driver=json-file", "--log-opt=max-size=1000", "--log-opt=max-file=3", "--", "web:1"));
}

TEST(CreateArguments, HaveNoAliasWithoutANetwork) {
  CreateSpec spec = plain();
  spec.network_aliases = {"web"};
  EXPECT_THAT(made(spec).arguments, Not(Contains(HasSubstr("alias"))));
}

TEST(CreateArguments, PublishOnAnAddressWhereTheEnginePicksThePort) {
  CreateSpec spec = plain();
  spec.ports = {"127.0.0.1::80"};
  EXPECT_THAT(made(spec).arguments, Contains("--publish=127.0.0.1::80/tcp"));
}

TEST(CreateArguments, OfEntrypointAndCommand) {
  CreateSpec spec = plain();
  EXPECT_THAT(tail_of(spec), ElementsAre("--", "web:1")) << "the image's entrypoint and command";
  spec.command = {"--flag", "--", "x"};
  EXPECT_THAT(tail_of(spec), ElementsAre("--", "web:1", "--flag", "--", "x")) << "the image's entrypoint";
  spec.entrypoint.emplace();
  EXPECT_THAT(tail_of(spec), ElementsAre("--entrypoint=", "--", "web:1", "--flag", "--", "x")) << "none";
  spec.entrypoint = {{"/bin/run"}};
  EXPECT_THAT(tail_of(spec), ElementsAre("--entrypoint=/bin/run", "--", "web:1", "--flag", "--", "x"));
  spec.entrypoint = {{"/bin/sh", "-c"}};
  spec.command = {"echo"};
  EXPECT_THAT(tail_of(spec), ElementsAre("--entrypoint=/bin/sh", "--", "web:1", "-c", "echo"));
  spec.command.clear();
  EXPECT_THAT(tail_of(spec), ElementsAre("--entrypoint=/bin/sh", "--", "web:1", "-c"));
}

TEST(CreateArguments, KeepValuesOffTheCommandLine) {
  CreateSpec spec = plain();
  spec.env = {{"EMPTY", ""},
              {"PATH", "/elsewhere"},
              {"DOCKER_HOST", "tcp://a"},
              {"EQUALS", "a=b=c # \"quoted\" $x"},
              {"KEY", "-----BEGIN\nsecret-1\n"},
              {"WITH SPACE", "secret-2"},
              {"LONG", std::string(70'000, 's')},
              {"RETURN", "secret-3\r"}};
  const auto out = made(spec);
  EXPECT_EQ(out.input, "DOCKER_HOST=tcp://a\nEMPTY=\nEQUALS=a=b=c # \"quoted\" $x\nPATH=/elsewhere\n");
  EXPECT_THAT(out.environment, ElementsAre("KEY=-----BEGIN\nsecret-1\n", "LONG=" + std::string(70'000, 's'),
                                           "RETURN=secret-3\r", "WITH SPACE=secret-2"));
  for (const auto* name : {"KEY", "LONG", "RETURN", "WITH SPACE"})
    EXPECT_THAT(out.arguments, Contains("--env=" + std::string(name)));
  EXPECT_THAT(out.arguments, Contains("--env-file=/dev/stdin"));
  EXPECT_THAT(out.arguments, Not(Contains(HasSubstr("secret"))));
}

TEST(CreateArguments, DontChangeHowTheCommandWorks) {
  for (const std::string name : {"PATH", "HOME", "DOCKER_CONFIG", "LD_PRELOAD", "https_proxy", "NO_PROXY",
                                 "SSH_AUTH_SOCK", "GODEBUG", "XDG_RUNTIME_DIR"}) {
    CreateSpec spec = plain();
    spec.env = {{name, "one\ntwo"}};
    const auto refused = create_arguments("web-0", spec);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(refused.error().terminal);
    EXPECT_THAT(refused.error().message, HasSubstr(name));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("two"))) << "values may be secret";
  }
}

TEST(CreateArguments, RefuseWhatNoEnvironmentHolds) {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"", "x"},
                                                        {"A=B", "x"},
                                                        {"A\nB", "x"},
                                                        {"A", std::string("x\0y", 3)},
                                                        {std::string("A\0", 2), "x"}}) {
    CreateSpec spec = plain();
    spec.env = {{name, value}};
    EXPECT_FALSE(create_arguments("web-0", spec));
  }
}

TEST(CreateArguments, RoundNothing) {
  CreateSpec spec = plain();
  spec.nano_cpus = 1;
  EXPECT_THAT(made(spec).arguments, Contains("--cpus=0.000000001"));
  spec.nano_cpus = 250'000'000;
  EXPECT_THAT(made(spec).arguments, Contains("--cpus=0.250000000"));
}

}  // namespace
}  // namespace holdfast::docker
