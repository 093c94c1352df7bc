// What people do to a container by hand, as the API shows it.
#include "tests/e2e/docker/site.h"

namespace holdfast::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class ByHand : public testing::Test {
 protected:
  void SetUp() override {
    controller_.start();
    pid_ = wait_running(controller_, name_);
    ASSERT_GT(pid_, 0);
  }
  void docker(const std::vector<std::string>& arguments) const { world_.engine().docker_ok(arguments); }
  [[nodiscard]] std::string container() const { return container_of(name_); }
  // Until another run of it is up; its JSON.
  [[nodiscard]] Json wait_restarted() const {
    auto up = controller_.wait_service(name_, [&](const Json& json) {
      return is_running(json) && pid_of(json) != pid_ && json.at("settled").as_bool();
    });
    EXPECT_EQ(count_containers(world_.engine(), name_), 1u);
    if (!up) return {};
    EXPECT_EQ(pid_of(*up), main_pid(world_.engine(), container()));
    return *up;
  }
  // Of POST /api/v1/plan with nothing changed.
  [[nodiscard]] Json planned() const {
    auto plan = controller_.post("/api/v1/plan?merge=true", "{}").json;
    for (const auto& change : std::as_const(plan).at("items").items()) {
      if (change.at("service").as_string() == name_) return change;
    }
    return plan;
  }
  void expect_drift(const std::string& text) const {
    const auto drifted = controller_.wait_service(
        name_, [](const Json& json) { return !condition_of(json, "Degraded").is_null(); });
    ASSERT_TRUE(drifted);
    const auto degraded = condition_of(*drifted, "Degraded");
    EXPECT_EQ(degraded.at("status").as_string(), "True");
    EXPECT_EQ(degraded.at("reason").as_string(), "Drift");
    EXPECT_EQ(degraded.at("message").as_string(), name_ + "/0 " + text);
    EXPECT_EQ(drifted->at("instances").items().at(0).at("drift"), Json::array({text}));
    EXPECT_EQ(planned().at("drift"), Json::array({text})) << dump_json(planned());
    EXPECT_EQ(planned().at("change").as_string(), "none");
    const auto plan = controller_.cli({"plan", "--file", controller_.dir() / "config.yaml"});
    EXPECT_THAT(plan.output, HasSubstr(text));
    EXPECT_EQ(pid_of(controller_.service(name_)), pid_) << "drift alone restarts nothing";
  }
  void expect_mended_by_a_restart() const {
    EXPECT_EQ(controller_.post("/api/v1/services/" + name_ + "/restart?wait=60s").status, 200);
    const auto up = wait_restarted();
    EXPECT_TRUE(condition_of(up, "Degraded").is_null());
    EXPECT_THAT(planned().at("drift").items(), IsEmpty());
  }

  DockerWorld world_;
  const std::string name_ = world_.name("web");
  Controller controller_{document(container_service(name_, "    resources: {memory: 64Mi}\n")),
                         reaching(world_.engine().host())};
  std::int64_t pid_ = 0;
};

TEST_F(ByHand, RemovedByForceItIsMadeAnew) {
  docker({"rm", "--force", container()});
  const auto up = wait_restarted();
  EXPECT_EQ(up.at("restartsByCause"), Json::object({{"lost", 1}})) << dump_json(up.at("restartsByCause"));
  EXPECT_THAT(events_of(controller_, name_), Contains("Exited:lost"));
}

TEST_F(ByHand, StoppedItIsStartedAgainWithItsExitTold) {
  docker({"stop", container()});
  const auto up = wait_restarted();
  EXPECT_EQ(up.at("restartsByCause"), Json::object({{"exit", 1}}));
  EXPECT_EQ(up.at("lastExit").at("code").as_int(), 0);
  EXPECT_THAT(events_of(controller_, name_), Contains("Exited:exit"));
}

TEST_F(ByHand, KilledItIsStartedAgainWithTheSignalTold) {
  docker({"kill", container()});
  const auto up = wait_restarted();
  EXPECT_EQ(up.at("restartsByCause"), Json::object({{"crash", 1}}));
  EXPECT_EQ(up.at("lastExit").at("signal").as_int(), SIGKILL);
  EXPECT_THAT(up.at("lastExit").at("reason").as_string(), HasSubstr("signal 9 (KILL)"));
  EXPECT_THAT(events_of(controller_, name_), Contains("Exited:crash"));
}

TEST_F(ByHand, PausedItIsNotReadyAndSaysHowToGoOn) {
  docker({"pause", container()});
  const auto paused =
      controller_.wait_service(name_, [](const Json& json) { return !json.at("ready").as_bool(); });
  ASSERT_TRUE(paused);
  EXPECT_THAT(condition_of(*paused, "Ready").at("message").as_string(),
              HasSubstr("docker unpause " + container()));
  EXPECT_EQ(pid_of(*paused), pid_);
  docker({"unpause", container()});
  const auto up =
      controller_.wait_service(name_, [](const Json& json) { return json.at("ready").as_bool(); });
  ASSERT_TRUE(up);
  EXPECT_EQ(pid_of(*up), pid_);
  EXPECT_EQ(up->at("restarts").as_int(), 0);
  EXPECT_THAT(events_of(controller_, name_), Contains("Unready:"));
}

TEST_F(ByHand, PausedItCanStillBeStopped) {
  docker({"pause", container()});
  ASSERT_TRUE(controller_.wait_service(name_, [](const Json& json) { return !json.at("ready").as_bool(); }));
  EXPECT_EQ(controller_.post("/api/v1/services/" + name_ + "/stop?wait=60s").status, 200);
  EXPECT_EQ(controller_.service(name_).at("phase").as_string(), "Stopped");
  EXPECT_EQ(main_pid(world_.engine(), container()), 0);
}

TEST_F(ByHand, RenamedItRunsOnAndTheDriftIsTold) {
  docker({"rename", container(), world_.name("other")});
  expect_drift("name: " + container() + " is declared, " + world_.name("other") + " is in force");
  expect_mended_by_a_restart();
}

TEST_F(ByHand, AChangedLimitIsToldAsDrift) {
  docker({"update", "--memory", "128m", "--memory-swap", "128m", container()});
  expect_drift("memory: 64Mi is declared, 128Mi is in force");
  expect_mended_by_a_restart();
}

TEST_F(ByHand, AStoppedServiceThatIsStartedByHandIsStoppedAgain) {
  EXPECT_EQ(controller_.post("/api/v1/services/" + name_ + "/stop?wait=60s").status, 200);
  docker({"start", container()});
  EXPECT_TRUE(wait_until([&] {
    const auto events = events_of(controller_, name_);
    return std::find(events.begin(), events.end(), "StartedElsewhere:") != events.end();
  })) << testing::PrintToString(events_of(controller_, name_));
  const auto stopped = controller_.wait_service(name_, [&](const Json& json) {
    return json.at("phase").as_string() == "Stopped" && json.at("settled").as_bool() &&
           main_pid(world_.engine(), container()) == 0;
  });
  ASSERT_TRUE(stopped);
  EXPECT_THAT(events_of(controller_, name_), Contains("Stopping:stop"));
  EXPECT_EQ(count_containers(world_.engine(), name_), 1u);
}

}  // namespace
}  // namespace holdfast::test
