#include "tests/support/docker_world/docker_world.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/docker_world/registry.h"
#include "tests/support/support.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Mounts and live processes that name a path, and the path itself.
std::vector<std::string> traces(const std::string& path) {
  std::vector<std::string> found;
  if (std::filesystem::exists(path)) found.push_back(path);
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(path) != std::string::npos) found.push_back(line);
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    std::ifstream stream(entry.path() / "cmdline", std::ios::binary);
    std::string cmdline{std::istreambuf_iterator<char>(stream), {}};
    if (cmdline.find(path) == std::string::npos) continue;
    std::replace(cmdline.begin(), cmdline.end(), '\0', ' ');
    found.push_back(cmdline);
  }
  return found;
}

// The sockets of containerd's shims lie outside of the engine's directory.
std::vector<std::string> shim_sockets(const std::string& directory) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory + "/exec/containerd")) {
    if (entry.path().filename() != "address") continue;
    std::ifstream stream(entry.path());
    std::string address;
    if (std::getline(stream, address)) found.push_back(address.substr(sizeof("unix://") - 1));
  }
  return found;
}

class SharedEngine : public testing::TestWithParam<EngineKind> {};
INSTANTIATE_TEST_SUITE_P(, SharedEngine, testing::Values(EngineKind::kDocker, EngineKind::kPodman),
                         [](const auto& param) {
                           return param.param == EngineKind::kDocker ? "docker" : "podman";
                         });

TEST_P(SharedEngine, RunsAnImage) {
  const DockerWorld world(GetParam());
  const auto name = world.name("run");
  world.engine().docker_ok(
      {"run", "--detach", "--name", name, world.image(), "test-service", "print", "hello", "pause"});
  EXPECT_TRUE(wait_until([&] { return world.engine().docker_ok({"logs", name}) == "hello"; }));
  EXPECT_EQ(world.engine().docker_ok({"exec", name, "test-service", "print", "too"}), "too");
}

TEST_P(SharedEngine, ServesItsNamespace) {
  const DockerWorld world(GetParam());
  const auto name = world.name("web");
  world.engine().docker_ok({"run", "--detach", "--name", name, world.image(), "sh", "-c",
                            "echo served > /tmp/index.html; exec httpd -f -p 80 -h /tmp"});
  const auto address = world.engine().docker_ok(
      {"inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name});
  EXPECT_TRUE(wait_until([&] {
    return run_program(
               {"nsenter", "--net=" + world.engine().netns(), "curl", "-s", "http://" + address + "/"})
               .output == "served\n";
  }));
}

TEST(DockerWorld, KnowsHealth) {
  const DockerWorld world;
  const auto name = world.name("health");
  world.engine().docker_ok({"run", "--detach", "--name", name, "holdfast-test:healthy"});
  const auto health = [&] {
    return world.engine().docker_ok({"inspect", "--format", "{{.State.Health.Status}}", name});
  };
  EXPECT_TRUE(wait_until([&] { return health() == "unhealthy"; }));
  world.engine().docker_ok({"exec", name, "touch", "/tmp/healthy"});
  EXPECT_TRUE(wait_until([&] { return health() == "healthy"; }));
}

TEST_P(SharedEngine, HasImagesOfOtherHabits) {
  const DockerWorld world(GetParam());
  EXPECT_EQ(world.engine().docker_ok(
                {"image", "inspect", "--format", "{{.Config.StopSignal}}", "holdfast-test:stopsignal"}),
            "SIGQUIT");
  EXPECT_EQ(world.engine().docker_ok({"run", "--rm", "--name", world.name("entry"),
                                      "holdfast-test:entrypoint", "print", "by the entry point"}),
            "by the entry point");
}

TEST_P(SharedEngine, RemovesItsContainersOnly) {
  const DockerWorld other(GetParam());
  other.engine().docker_ok({"run", "--detach", "--name", other.name("stays"), other.image()});
  std::string prefix;
  {
    const DockerWorld world(GetParam());
    prefix = world.prefix();
    world.engine().docker_ok({"run", "--detach", "--name", "holdfast-" + world.name("one"), world.image()});
    world.engine().docker_ok({"create", "--name", world.name("two"), world.image()});
  }
  const auto names = other.engine().docker_ok({"ps", "--all", "--format", "{{.Names}}"});
  EXPECT_THAT(names, testing::Not(HasSubstr(prefix)));
  EXPECT_THAT(names, HasSubstr(other.name("stays")));
}

TEST(PrivateEngine, LeavesNothing) {
  std::string directory, container_pid;
  std::vector<std::string> sockets;
  {
    const PrivateEngine engine;
    directory = engine.directory();
    engine.engine().docker_ok({"run", "--detach", "--restart=always", "holdfast-test:1"});
    const auto paused = engine.engine().docker_ok({"run", "--detach", "--network=host", "holdfast-test:1"});
    engine.engine().docker_ok({"pause", paused});
    container_pid = engine.engine().docker_ok({"inspect", "--format", "{{.State.Pid}}", paused});
    EXPECT_THAT(traces(directory), testing::Not(IsEmpty()));
    sockets = shim_sockets(directory);
    EXPECT_THAT(sockets, testing::SizeIs(2));
    engine.hang();
  }
  EXPECT_THAT(traces(directory), IsEmpty());
  std::ifstream status("/proc/" + container_pid + "/stat");
  std::string line;
  std::getline(status, line);
  EXPECT_TRUE(line.empty() || line.find(") Z ") != std::string::npos) << line;
  for (const auto& socket : sockets) EXPECT_FALSE(std::filesystem::exists(socket)) << socket;
}

TEST(PrivateEngine, KeepsContainersOverARestart) {
  const PrivateEngine engine({.live_restore = true});
  const auto id = engine.engine().docker_ok({"run", "--detach", "holdfast-test:1"});
  const auto state = [&] {
    return engine.engine().docker_ok({"inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}}", id});
  };
  const auto before = state();
  engine.stop();
  EXPECT_EQ(engine.pid(), -1);
  EXPECT_NE(engine.docker({"version"}).status, 0);
  engine.up();
  EXPECT_EQ(state(), before);
  engine.kill();
  engine.up();
  EXPECT_EQ(state(), before);
}

TEST(PrivateEngine, HangsAndResumes) {
  const PrivateEngine engine;
  engine.hang();
  EXPECT_NE(run_program({"timeout", "0.3", "docker", "--host", engine.engine().host(), "version"}).status, 0);
  engine.resume();
  engine.engine().docker_ok({"version"});
}

TEST_P(SharedEngine, PullsFromARegistry) {
  const DockerWorld world(GetParam());
  const Registry registry(DockerWorld().engine());
  const auto reference = registry.publish_file(1u << 20, world.prefix() + ":1");
  world.engine().docker_ok({"pull", reference});
  world.engine().docker_ok({"rmi", reference});
  EXPECT_NE(world.docker({"pull", registry.address() + "/missing:1"}).status, 0);
}

TEST(Registry, AsksWhoYouAre) {
  const DockerWorld world;
  const Registry registry(world.engine(), {.auth = true});
  const auto refused = world.docker({"pull", registry.publish(world.image(), world.prefix() + ":1")});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.output, HasSubstr("no basic auth credentials"));
}

TEST(Registry, HangsResumesAndDies) {
  const DockerWorld world;
  const Registry registry(world.engine());
  const auto reference = registry.publish_file(1u << 20, world.prefix() + ":1");
  registry.hang();
  const auto stuck = run_program(
      {"timeout", "0.5", "docker", "--host", world.engine().host(), "pull", "--quiet", reference});
  EXPECT_EQ(stuck.status, 124) << stuck.output;
  registry.resume();
  world.engine().docker_ok({"pull", "--quiet", reference});
  world.engine().docker_ok({"rmi", reference});
  registry.kill();
  EXPECT_THAT(world.docker({"pull", "--quiet", reference}).output, HasSubstr("connection refused"));
}

}  // namespace
}  // namespace holdfast::test
