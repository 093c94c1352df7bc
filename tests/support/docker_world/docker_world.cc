#include "tests/support/docker_world/docker_world.h"

#include <cstdlib>
#include <random>

#include <gtest/gtest.h>
#include <signal.h>

#include "controller/base/file.h"
#include "tests/support/docker_world/scripts.h"
#include "tests/support/support.h"

namespace holdfast::test {

namespace {

std::string random_prefix() {
  std::random_device random;
  std::string prefix = "t";
  for (int i = 0; i < 8; ++i) prefix += "0123456789abcdef"[random() % 16];
  return prefix;
}

}  // namespace

Finished EngineAddress::docker(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {"docker", "--host", host_};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_program(argv, {{"DOCKER_CONFIG", "/nonexistent"}});
}

std::string EngineAddress::docker_ok(const std::vector<std::string>& arguments) const {
  auto done = docker(arguments);
  EXPECT_EQ(done.status, 0) << "docker " << (arguments.empty() ? "" : arguments[0]) << ": " << done.output;
  if (done.output.ends_with('\n')) done.output.pop_back();
  return done.output;
}

DockerWorld::DockerWorld(EngineKind kind)
    : engine_(world_variable(kind == EngineKind::kDocker ? "HOLDFAST_TEST_DOCKER" : "HOLDFAST_TEST_PODMAN"),
              world_variable("HOLDFAST_TEST_NETNS")),
      prefix_(random_prefix()),
      image_(world_variable("HOLDFAST_TEST_IMAGE")) {}

DockerWorld::~DockerWorld() {
  std::vector<std::string> removal = {"rm", "--force", "--volumes"};
  std::string id;
  for (const char c : docker({"ps", "--all", "--quiet", "--filter", "name=" + prefix_}).output + "\n") {
    if (c != '\n') {
      id += c;
    } else if (!id.empty()) {
      removal.push_back(std::exchange(id, {}));
    }
  }
  if (removal.size() > 3) engine_.docker_ok(removal);
}

PrivateEngine::PrivateEngine(Options options)
    : options_(options),
      directory_(inner_directory("e")),
      engine_("unix://" + directory_ + "/docker.sock", directory_ + "/netns") {
  std::vector<std::string> arguments = {"up", directory_, "--images", HOLDFAST_TEST_IMAGES};
  if (options_.live_restore) arguments.emplace_back("--live-restore");
  run_script("engine", arguments);
}

PrivateEngine::~PrivateEngine() {
  end_world(directory_);
}

void PrivateEngine::up() const {
  std::vector<std::string> arguments = {"up", directory_};
  if (options_.live_restore) arguments.emplace_back("--live-restore");
  run_script("engine", arguments);
}

void PrivateEngine::stop() const {
  run_script("engine", {"stop", directory_});
}

pid_t PrivateEngine::pid() const {
  const auto text = read_file(directory_ + "/pid");
  const pid_t pid = text ? static_cast<pid_t>(std::atoi(text->c_str())) : -1;
  return pid > 0 && !has_ended(pid) ? pid : -1;
}

void PrivateEngine::kill() const {
  const pid_t engine = pid();
  ASSERT_TRUE(signal_process(engine, SIGKILL)) << "no engine runs";
  ASSERT_TRUE(wait_until([&] { return has_ended(engine); }));
}

void PrivateEngine::hang() const {
  ASSERT_TRUE(signal_process(pid(), SIGSTOP)) << "no engine runs";
}

void PrivateEngine::resume() const {
  ASSERT_TRUE(signal_process(pid(), SIGCONT)) << "no engine runs";
}

}  // namespace holdfast::test
