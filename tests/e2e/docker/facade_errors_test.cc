// The streaming facade, row by row of the table of what can go wrong.
#include <filesystem>

#include <sys/stat.h>

#include "tests/e2e/docker/site.h"

namespace holdfast::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class FacadeErrors : public testing::Test {
 protected:
  [[nodiscard]] std::string yaml(const std::string& services) const {
    return document(services, "streaming: {service: " + name_ + "}\n");
  }
  [[nodiscard]] std::string adopting(const std::string& container) const {
    return yaml("  " + name_ +
                ":\n    runtime: docker\n    desired: stopped\n    docker: {container: " + container + "}\n");
  }
  [[nodiscard]] static Json status(const Controller& controller) {
    return controller.get("/api/streaming/status").json;
  }
  [[nodiscard]] static bool wait_status(const Controller& controller,
                                        const std::function<bool(const Json&)>& condition) {
    return wait_until([&] { return condition(status(controller)); });
  }
  [[nodiscard]] static bool runs(const Json& status) { return status.at("running").as_bool(); }

  DockerWorld world_;
  const std::string name_ = world_.name("streaming");
  TempDir dir_;
};

TEST_F(FacadeErrors, AContainerThatIsNotThereIsNamedWithTheWayToMakeIt) {
  const auto container = world_.name("converter");
  Controller controller(adopting(container), reaching(world_.engine().host()));
  controller.start();
  ASSERT_TRUE(wait_docker(controller, "engine"));
  const auto refused = controller.post("/api/streaming/start");
  EXPECT_EQ(refused.status, 200);
  EXPECT_EQ(refused.json.find("success") != nullptr, true);
  EXPECT_FALSE(refused.json.at("success").as_bool());
  EXPECT_TRUE(refused.json.at("pid").is_null());
  EXPECT_THAT(refused.json.at("message").as_string(),
              AllOf(HasSubstr("'" + container + "'"), HasSubstr("docker create --name " + container)));
  const auto now = status(controller);
  EXPECT_TRUE(now.at("running").is_bool());
  EXPECT_FALSE(runs(now));
  EXPECT_TRUE(now.at("pid").is_null());
  EXPECT_THAT(now.at("error").as_string(), HasSubstr("'" + container + "'"));
  EXPECT_FALSE(controller.get("/api/streaming/health").json.at("healthy").as_bool());

  controller.post("/api/streaming/stop");
  create_by_hand(world_.engine(), container);
  const auto started = controller.post("/api/streaming/start");
  EXPECT_TRUE(started.json.at("success").as_bool()) << started.text;
  EXPECT_EQ(started.json.at("pid").as_int(), main_pid(world_.engine(), container));
  EXPECT_TRUE(status(controller).at("error").is_null()) << dump_json(status(controller));
}

TEST_F(FacadeErrors, AContainerThatIsMadeLaterIsStartedWithoutFurtherAsking) {
  const auto container = world_.name("converter");
  Controller controller(adopting(container), reaching(world_.engine().host()));
  controller.start();
  ASSERT_TRUE(wait_docker(controller, "engine"));
  EXPECT_FALSE(controller.post("/api/streaming/start").json.at("success").as_bool());
  create_by_hand(world_.engine(), container);
  EXPECT_TRUE(wait_status(controller, runs)) << controller.log();
  EXPECT_EQ(status(controller).at("pid").as_int(), main_pid(world_.engine(), container));
}

TEST_F(FacadeErrors, ASocketThatMayNotBeUsedComesWithGuidance) {
  UnixProxy proxy(dir_ / "docker.sock", world_.engine().socket());
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(proxy.path().c_str(), 0660), 0);
  Controller controller(yaml(container_service(name_)), reaching(proxy.host()));
  run_as_nobody(controller);
  controller.start();
  const auto refused = controller.post("/api/streaming/start");
  EXPECT_FALSE(refused.json.at("success").as_bool());
  EXPECT_THAT(refused.json.at("message").as_string(),
              AllOf(HasSubstr(proxy.path()), HasSubstr("usermod -aG"), HasSubstr("group"),
                    HasSubstr("rootless"), HasSubstr("DOCKER_HOST=")));
  const auto now = status(controller);
  EXPECT_FALSE(runs(now));
  EXPECT_THAT(now.at("error").as_string(), AllOf(HasSubstr("'nobody'"), HasSubstr(proxy.path())));

  ASSERT_EQ(chmod(proxy.path().c_str(), 0666), 0);
  EXPECT_TRUE(wait_status(controller, runs)) << controller.log();
  EXPECT_TRUE(status(controller).at("error").is_null());
  const auto again = controller.post("/api/streaming/restart");
  EXPECT_TRUE(again.json.at("success").as_bool()) << again.text;
  EXPECT_EQ(again.json.at("pid").as_int(), main_pid(world_.engine(), container_of(name_)));
}

TEST_F(FacadeErrors, WithoutDockerAutoRunsAProcessAndSaysSo) {
  UnixProxy proxy(dir_ / "docker.sock", world_.engine().socket());
  proxy.close();
  Controller controller(yaml(auto_service(name_)), reaching(proxy.host()));
  controller.start();
  ASSERT_TRUE(wait_status(controller, runs)) << controller.log();
  EXPECT_TRUE(status(controller).at("error").is_null());
  EXPECT_THAT(sleepers_of(controller), testing::ElementsAre(status(controller).at("pid").as_int()));
  auto service = controller.service(name_);
  EXPECT_EQ(service.at("runtime").as_string(), "process");
  const auto degraded = condition_of(service, "Degraded");
  EXPECT_EQ(degraded.at("status").as_string(), "True");
  EXPECT_EQ(degraded.at("reason").as_string(), "FallbackRuntime");
  EXPECT_THAT(degraded.at("message").as_string(), HasSubstr(proxy.path()));

  // It stays where it is, and moves when it is restarted anyway.
  proxy.open();
  ASSERT_TRUE(wait_docker(controller, "engine"));
  EXPECT_EQ(controller.service(name_).at("runtime").as_string(), "process");
  const auto moved = controller.post("/api/streaming/restart");
  EXPECT_TRUE(moved.json.at("success").as_bool()) << moved.text;
  service = controller.service(name_);
  EXPECT_EQ(service.at("runtime").as_string(), "docker");
  EXPECT_TRUE(condition_of(service, "Degraded").is_null());
  EXPECT_THAT(sleepers_of(controller), testing::IsEmpty());
  EXPECT_EQ(pid_of(service), main_pid(world_.engine(), container_of(name_)));
}

TEST_F(FacadeErrors, WithoutDockerAnExplicitContainerIsReportedAndTriedAgain) {
  UnixProxy proxy(dir_ / "docker.sock", world_.engine().socket());
  proxy.close();
  Controller controller(yaml(container_service(name_)), reaching(proxy.host()));
  controller.start();
  ASSERT_TRUE(wait_docker(controller, ""));
  const auto refused = controller.post("/api/streaming/start");
  EXPECT_FALSE(refused.json.at("success").as_bool());
  EXPECT_THAT(
      refused.json.at("message").as_string(),
      AllOf(HasSubstr("Docker can't be reached at " + proxy.host()), HasSubstr("Is the engine running")));
  EXPECT_FALSE(runs(status(controller)));
  EXPECT_THAT(status(controller).at("error").as_string(), HasSubstr("Docker can't be reached"));
  proxy.open();
  EXPECT_TRUE(wait_status(controller, runs)) << controller.log();
  EXPECT_EQ(count_containers(world_.engine(), name_), 1u);
}

TEST_F(FacadeErrors, AnInvalidConfigurationTouchesNothing) {
  Controller controller(yaml(container_service(name_)), reaching(world_.engine().host()));
  controller.start();
  ASSERT_TRUE(wait_status(controller, runs));
  const auto before = status(controller);
  const auto config = controller.get("/api/streaming/config").json;
  const auto container = world_.engine().docker_ok({"inspect", container_of(name_)});
  for (const auto* call : {"config", "restart", "start"}) {
    const auto answer = controller.post("/api/streaming/" + std::string(call), R"({"max_workers": 99})");
    EXPECT_EQ(answer.status, 422) << call;
    EXPECT_THAT(answer.json.at("detail").as_string(), HasSubstr("max_workers"));
  }
  EXPECT_EQ(controller.get("/api/streaming/config").json, config);
  EXPECT_EQ(status(controller).at("pid"), before.at("pid"));
  EXPECT_EQ(status(controller).at("started_at"), before.at("started_at"));
  EXPECT_EQ(world_.engine().docker_ok({"inspect", container_of(name_)}), container);
}

TEST_F(FacadeErrors, AStoppedContainerIsNotRunning) {
  Controller controller(yaml(container_service(name_, "    restart: {policy: never}\n")),
                        reaching(world_.engine().host()));
  controller.start();
  const auto pid_file = controller.state_dir() + "/streaming.pid";
  ASSERT_TRUE(wait_status(controller, runs));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(pid_file); }));
  world_.engine().docker_ok({"stop", container_of(name_)});
  EXPECT_TRUE(wait_status(controller, [](const Json& json) { return !runs(json); }));
  const auto now = status(controller);
  EXPECT_TRUE(now.at("running").is_bool());
  for (const auto* field : {"pid", "started_at", "uptime_seconds", "cpu_percent", "memory_mb"})
    EXPECT_TRUE(now.at(field).is_null()) << field;
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(pid_file); }));
}

TEST_F(FacadeErrors, WithoutFiguresTheRestOfTheStatusIsThere) {
  UnixProxy proxy(dir_ / "docker.sock", world_.engine().socket());
  proxy.refuse("/stats");
  Controller controller(yaml(container_service(name_)), reaching(proxy.host()));
  // It can't read the container's cgroup either.
  controller.setup().launcher = {"unshare",
                                 "--mount",
                                 "--propagation",
                                 "private",
                                 "sh",
                                 "-c",
                                 "mount -t tmpfs none /sys/fs/cgroup && exec \"$@\"",
                                 "sh"};
  controller.start();
  ASSERT_TRUE(wait_status(controller, runs));
  ASSERT_TRUE(wait_until([&] { return proxy.refused() >= 3; })) << "nobody asks for figures";
  const auto now = status(controller);
  EXPECT_TRUE(runs(now));
  EXPECT_EQ(now.at("pid").as_int(), main_pid(world_.engine(), container_of(name_)));
  EXPECT_TRUE(now.at("started_at").is_string());
  EXPECT_TRUE(now.at("uptime_seconds").is_number());
  ASSERT_NE(now.find("cpu_percent"), nullptr);
  ASSERT_NE(now.find("memory_mb"), nullptr);
  EXPECT_TRUE(now.at("cpu_percent").is_null());
  EXPECT_TRUE(now.at("memory_mb").is_null());
  EXPECT_TRUE(now.at("error").is_null()) << dump_json(now);
  EXPECT_EQ(controller.get("/api/streaming/metrics").status, 200);
}

TEST_F(FacadeErrors, AnEngineThatIsCutOffIsInTheErrorAndInTheLog) {
  UnixProxy proxy(dir_ / "docker.sock", world_.engine().socket());
  Controller controller(yaml(container_service(name_)), reaching(proxy.host()));
  controller.start();
  ASSERT_TRUE(wait_status(controller, runs));
  const auto pid = status(controller).at("pid");
  proxy.close();
  EXPECT_TRUE(wait_status(controller, [](const Json& json) { return json.at("error").is_string(); }));
  EXPECT_THAT(status(controller).at("error").as_string(),
              HasSubstr("Docker can't be reached at " + proxy.host()));
  EXPECT_FALSE(controller.get("/api/streaming/health").json.at("healthy").as_bool());
  EXPECT_THAT(controller.log(), HasSubstr("Docker doesn't answer"));
  proxy.open();
  EXPECT_TRUE(wait_status(
      controller, [&](const Json& json) { return json.at("pid") == pid && json.at("error").is_null(); }));
  EXPECT_EQ(controller.service(name_).at("restarts").as_int(), 0);
}

}  // namespace
}  // namespace holdfast::test
