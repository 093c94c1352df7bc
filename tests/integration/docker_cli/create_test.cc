// Every part of a CreateSpec, as the engine understood it.
#include <gmock/gmock.h>

#include "controller/base/file.h"
#include "tests/integration/docker_cli/engine.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

using Create = EngineTest;

std::string texts(const Json& array) {
  std::string out;
  for (const auto& item : array.items()) out += item.as_string() + "|";
  return out;
}

TEST_F(Create, MakesWhatIsAskedFor) {
  auto spec = shell("true");
  spec.labels = {{"a", "1,b=2"}};
  spec.env = {{"A", "1"}};
  spec.working_dir = "/bin";
  spec.user = "7:8";
  spec.hostname = "cli-host";
  spec.volumes = {"/tmp:/host:ro"};
  spec.anonymous_volumes = {"/scratch"};
  spec.tmpfs = {"/quick:size=1m"};
  spec.ports = {"127.0.0.1::8080/udp", "9000"};
  spec.devices = {"/dev/null:/dev/hole:r"};
  spec.extra_hosts = {"db:10.0.0.1"};
  spec.cap_add = {"NET_ADMIN"};
  spec.cap_drop = {"ALL"};
  spec.security_opt = {"no-new-privileges"};
  spec.group_add = {"9"};
  spec.read_only = spec.init = spec.tty = true;
  spec.memory_bytes = 64 << 20;
  spec.nano_cpus = 1'500'000'000;
  spec.pids = 99;
  spec.shm_size = 1 << 20;
  spec.log_max_size = 100'000;
  spec.log_max_files = 2;
  const auto container = name();
  const auto id = client().create(container, spec);
  ASSERT_TRUE(id) << id.error().message;
  const auto seen = look(container);
  const Json& config = seen.document.at("Config");
  EXPECT_EQ(seen.labels.at("a"), "1,b=2");
  EXPECT_THAT(texts(config.at("Env")), testing::HasSubstr("A=1|"));
  EXPECT_EQ(texts(config.at("Entrypoint")) + texts(config.at("Cmd")), "/bin/sh|-c|true|");
  EXPECT_EQ(config.at("WorkingDir").as_string(), "/bin");
  EXPECT_EQ(config.at("User").as_string(), "7:8");
  EXPECT_EQ(config.at("Hostname").as_string(), "cli-host");
  EXPECT_TRUE(config.at("Volumes").find("/scratch"));
  EXPECT_TRUE(seen.tty);
  const Json& host = seen.document.at("HostConfig");
  EXPECT_EQ(texts(host.at("Binds")), "/tmp:/host:ro|");
  EXPECT_EQ(host.at("Tmpfs").at("/quick").as_string(), "size=1m");
  EXPECT_EQ(host.at("PortBindings").at("8080/udp").items().at(0).at("HostIp").as_string(), "127.0.0.1");
  EXPECT_TRUE(host.at("PortBindings").find("9000/tcp"));
  EXPECT_EQ(host.at("Devices").items().at(0).at("PathInContainer").as_string(), "/dev/hole");
  EXPECT_EQ(host.at("Devices").items().at(0).at("CgroupPermissions").as_string(), "r");
  EXPECT_EQ(texts(host.at("ExtraHosts")), "db:10.0.0.1|");
  EXPECT_THAT(texts(host.at("CapAdd")), testing::HasSubstr("NET_ADMIN|"));
  EXPECT_EQ(texts(host.at("CapDrop")), "ALL|");
  EXPECT_EQ(texts(host.at("SecurityOpt")), "no-new-privileges|");
  EXPECT_EQ(texts(host.at("GroupAdd")), "9|");
  EXPECT_TRUE(host.at("ReadonlyRootfs").as_bool());
  EXPECT_TRUE(host.at("Init").as_bool());
  EXPECT_FALSE(host.at("Privileged").as_bool());
  EXPECT_EQ(host.at("Memory").as_int(), 64 << 20);
  EXPECT_EQ(host.at("NanoCpus").as_int(), 1'500'000'000);
  EXPECT_EQ(host.at("PidsLimit").as_int(), 99);
  EXPECT_EQ(host.at("ShmSize").as_int(), 1 << 20);
  EXPECT_EQ(host.at("LogConfig").at("Type").as_string(), "json-file");
  EXPECT_EQ(host.at("LogConfig").at("Config").at("max-size").as_string(), "100000");
  EXPECT_EQ(host.at("LogConfig").at("Config").at("max-file").as_string(), "2");
  EXPECT_EQ(host.at("RestartPolicy").at("Name").as_string(), "no");
}

TEST_F(Create, HandsOverEveryValue) {
  auto spec = shell("printf '%s|' \"$PATH\" \"$LINES_OF\" \"$PLAIN\" \"$DOCKER_HOST\" \"$LONG\" \"$RETURN\"");
  spec.env = {{"PATH", "/bin:/elsewhere"},          {"LINES_OF", "one\ntwo"},
              {"PLAIN", " a=b # 'c' \"d\" \\ $x "}, {"DOCKER_HOST", "unix:///no"},
              {"LONG", std::string(70'000, 's')},   {"RETURN", "r\r"}};
  const auto container = name();
  const auto id = client().create(container, spec);
  ASSERT_TRUE(id) << id.error().message;
  ASSERT_TRUE(client().start(container));
  wait_for_status(container, "exited");
  EXPECT_EQ(log_of(container), "/bin:/elsewhere|one\ntwo| a=b # 'c' \"d\" \\ $x |unix:///no|" +
                                   std::string(70'000, 's') + "|r\r|\n");
}

TEST_F(Create, ShowsNoValueToTheNeighbours) {
  // The real command, behind one that tells what everybody on the machine could read of it.
  const test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(
      dir / "docker", "#!/bin/sh\ncat /proc/$$/cmdline >" + (dir / "line") + "\nexec docker \"$@\"\n", 0755));
  auto watched = options();
  watched.program = dir / "docker";
  auto spec = shell("echo $ONE; echo \"$TWO\"");
  spec.env = {{"ONE", "secret-1"}, {"TWO", "secret-2\nsecret-3"}};
  const auto container = name();
  const auto id = make_cli_client(watched, clock_)->create(container, spec);
  ASSERT_TRUE(id) << id.error().message;
  const auto line = read_file(dir / "line").value_or("");
  EXPECT_THAT(line, testing::HasSubstr("--name=" + container));
  EXPECT_THAT(line, testing::Not(testing::HasSubstr("secret")));
  ASSERT_TRUE(client().start(container));
  wait_for_status(container, "exited");
  EXPECT_EQ(log_of(container), "secret-1\nsecret-2\nsecret-3\n");
}

TEST_F(Create, RunsEntrypointsOfAnyLength) {
  struct Case {
    std::vector<std::string> entrypoint, command;
    std::string says;
  };
  const std::vector<Case> cases = {{{}, {"/bin/echo", "-n", "a"}, "a\n"},
                                   {{"/bin/echo"}, {"a", "--", "-b"}, "a -- -b\n"},
                                   {{"/bin/sh", "-c", "echo $0 $1", "x"}, {"y"}, "x y\n"},
                                   {{"/bin/sh", "-c", "echo only"}, {}, "only\n"}};
  for (size_t i = 0; i < cases.size(); ++i) {
    auto spec = shell("");
    spec.entrypoint = cases[i].entrypoint;
    spec.command = cases[i].command;
    const auto container = name("-" + std::to_string(i));
    const auto id = client().create(container, spec);
    ASSERT_TRUE(id) << id.error().message;
    const auto started = client().start(container);
    ASSERT_TRUE(started) << started.error().message;
    wait_for_status(container, "exited");
    EXPECT_EQ(log_of(container), cases[i].says);
  }
}

}  // namespace
}  // namespace holdfast::docker
