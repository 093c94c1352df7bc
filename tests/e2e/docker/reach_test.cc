// The engine runs on, but the way to it is cut, missing, or another one.
#include <sys/stat.h>

#include "controller/base/file.h"
#include "tests/e2e/docker/site.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Reach : public testing::Test {
 protected:
  [[nodiscard]] std::string container() const { return container_of(name_); }
  [[nodiscard]] std::int64_t engine_pid() const { return main_pid(engine(), container()); }
  [[nodiscard]] const EngineAddress& engine() const { return world_.engine(); }
  // A `docker` that knows a way of its own, found before the real one.
  void put_docker_in_path(ControllerSetup& setup, const std::string& host) const {
    const std::string path = std::getenv("PATH");
    ASSERT_TRUE(make_directories(dir_ / "bin"));
    ASSERT_TRUE(write_file_atomically(
        dir_ / "bin/docker",
        "#!/bin/sh\nPATH='" + path + "'\nunset DOCKER_HOST\nexec docker --host " + host + " \"$@\"\n", 0755));
    setup.env["PATH"] = (dir_ / "bin") + ":" + path;
  }
  void expect_untouched(const Controller& controller, std::int64_t pid) const {
    EXPECT_EQ(wait_running(controller, name_), pid);
    EXPECT_EQ(controller.service(name_).at("restarts").as_int(), 0);
    EXPECT_EQ(engine_pid(), pid);
    EXPECT_EQ(count_containers(engine(), name_), 1u);
  }

  DockerWorld world_;
  const std::string name_ = world_.name("web");
  TempDir dir_;
  UnixProxy proxy_{dir_ / "docker.sock", world_.engine().socket()};
};

TEST_F(Reach, ASocketThatAppearsLaterIsUsed) {
  proxy_.close();
  Controller controller(document(container_service(name_)), reaching(proxy_.host()));
  controller.start();
  ASSERT_TRUE(wait_docker(controller, ""));
  EXPECT_THAT(runtime_of(controller, "docker").at("message").as_string(),
              HasSubstr("Docker can't be reached at " + proxy_.host() + ": No such file or directory"));
  const auto waiting = wait_unknown(controller, name_);
  ASSERT_TRUE(waiting);
  EXPECT_THAT(condition_of(*waiting, "Observed").at("message").as_string(), HasSubstr(proxy_.host()));
  proxy_.open();
  const auto pid = wait_running(controller, name_);
  EXPECT_EQ(pid, engine_pid());
  EXPECT_TRUE(wait_docker(controller, "engine"));
}

TEST_F(Reach, WhatHappensWhileTheEventsAreCutIsNoticed) {
  Controller controller(document(container_service(name_)), reaching(proxy_.host()));
  controller.start();
  const auto before = wait_running(controller, name_);
  proxy_.close();
  ASSERT_TRUE(wait_unknown(controller, name_));
  engine().docker_ok({"kill", container()});
  proxy_.open();
  const auto up = controller.wait_service(
      name_, [&](const Json& json) { return is_running(json) && pid_of(json) != before; });
  ASSERT_TRUE(up);
  EXPECT_EQ(pid_of(*up), engine_pid());
  EXPECT_EQ(up->at("restartsByCause").at("crash").as_int(), 1);
  EXPECT_EQ(up->at("lastExit").at("signal").as_int(), SIGKILL);
  EXPECT_EQ(count_containers(engine(), name_), 1u);
}

TEST_F(Reach, AShortCutOfAllConnectionsChangesNothing) {
  Controller controller(document(container_service(name_)), reaching(proxy_.host()));
  controller.start();
  auto pid = wait_running(controller, name_);
  for (int i = 0; i < 20; ++i) proxy_.cut();
  expect_untouched(controller, pid);
  engine().docker_ok({"kill", container()});  // events come as before
  ASSERT_TRUE(controller.wait_service(
      name_, [&](const Json& json) { return is_running(json) && pid_of(json) != pid; }));
}

TEST_F(Reach, TheDockerCommandStandsInForTheEnginesSocket) {
  auto setup = reaching(proxy_.host());
  put_docker_in_path(setup, engine().host());
  Controller controller(document(container_service(name_)), setup);
  controller.start();
  auto pid = wait_running(controller, name_);
  ASSERT_TRUE(wait_docker(controller, "engine"));
  proxy_.close();
  ASSERT_TRUE(wait_docker(controller, "cli")) << controller.log();
  EXPECT_THAT(runtime_of(controller, "docker").at("message").as_string(),
              HasSubstr("its socket can't be used: Docker can't be reached at " + proxy_.host()));
  expect_untouched(controller, pid);
  engine().docker_ok({"kill", container()});
  const auto up = controller.wait_service(
      name_, [&](const Json& json) { return is_running(json) && pid_of(json) != pid; });
  ASSERT_TRUE(up);
  EXPECT_EQ(up->at("restartsByCause").at("crash").as_int(), 1);
  pid = pid_of(*up);
  EXPECT_EQ(pid, engine_pid());
  proxy_.open();
  ASSERT_TRUE(wait_docker(controller, "engine"));
  EXPECT_EQ(wait_running(controller, name_), pid);
  EXPECT_EQ(engine_pid(), pid);
  EXPECT_EQ(controller.service(name_).at("restarts").as_int(), 1);
}

TEST_F(Reach, ADockerCommandThatReachesAnotherEngineIsNotUsed) {
  const PrivateEngine other;
  auto setup = reaching(proxy_.host());
  put_docker_in_path(setup, other.engine().host());
  Controller controller(document(container_service(name_)), setup);
  controller.start();
  const auto pid = wait_running(controller, name_);
  ASSERT_TRUE(wait_docker(controller, "engine"));
  proxy_.close();
  ASSERT_TRUE(wait_docker(controller, ""));
  ASSERT_TRUE(wait_unknown(controller, name_));
  controller.kill9();
  controller.start();
  ASSERT_TRUE(wait_docker(controller, ""));
  ASSERT_TRUE(wait_unknown(controller, name_));
  EXPECT_EQ(count_containers(other.engine(), name_), 0u);
  proxy_.open();
  ASSERT_TRUE(wait_docker(controller, "engine"));
  expect_untouched(controller, pid);
  EXPECT_EQ(count_containers(other.engine(), name_), 0u);
}

TEST_F(Reach, AnAutoServiceInAContainerWaitsForItsEngine) {
  Controller controller(document(auto_service(name_)), reaching(proxy_.host()));
  controller.start();
  const auto pid = wait_running(controller, name_);
  ASSERT_EQ(controller.service(name_).at("runtime").as_string(), "docker");
  proxy_.close();
  ASSERT_TRUE(wait_unknown(controller, name_));
  EXPECT_THAT(sleepers_of(controller), IsEmpty());
  controller.kill9();
  controller.start();
  ASSERT_TRUE(wait_docker(controller, ""));
  ASSERT_TRUE(wait_unknown(controller, name_));
  EXPECT_THAT(sleepers_of(controller), IsEmpty());
  proxy_.open();
  expect_untouched(controller, pid);
  EXPECT_EQ(controller.service(name_).at("runtime").as_string(), "docker");
  EXPECT_THAT(sleepers_of(controller), IsEmpty());
}

}  // namespace
}  // namespace holdfast::test
