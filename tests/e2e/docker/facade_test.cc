// The streaming facade over a container, when all is well.
#include "controller/base/file.h"
#include "tests/e2e/docker/site.h"

namespace holdfast::test {
namespace {

class FacadeOnDocker : public testing::Test {
 protected:
  void SetUp() override {
    controller_.start();
    ASSERT_TRUE(wait_status([](const Json& json) { return json.at("running").as_bool(); }));
  }
  [[nodiscard]] Json status() const { return controller_.get("/api/streaming/status").json; }
  [[nodiscard]] bool wait_status(const std::function<bool(const Json&)>& condition) const {
    return wait_until([&] { return condition(status()); });
  }
  [[nodiscard]] std::int64_t pid() const { return main_pid(world_.engine(), container_of(name_)); }
  void expect_success(const Answer& answer, std::int64_t expected_pid) const {
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.json.at("success").as_bool()) << answer.text;
    EXPECT_EQ(answer.json.at("pid").as_int(), expected_pid) << answer.text;
    EXPECT_EQ(status().at("pid").as_int(), expected_pid);
    EXPECT_TRUE(wait_until([&] {
      return std::atoll(read_file(controller_.state_dir() + "/streaming.pid").value_or("").c_str()) ==
             expected_pid;
    }));
  }

  DockerWorld world_;
  const std::string name_ = world_.name("streaming");
  Controller controller_{
      document(
          container_service(name_, "    parameters: {max_workers: 4}\n    env: {A: \"${max_workers}\"}\n"),
          "streaming: {service: " + name_ + "}\n"),
      reaching(world_.engine().host())};
};

TEST_F(FacadeOnDocker, TheStatusIsThatOfTheContainer) {
  ASSERT_TRUE(wait_status([](const Json& json) {
    return json.at("cpu_percent").is_number() && json.at("memory_mb").is_number();
  })) << dump_json(status());
  const auto now = status();
  EXPECT_EQ(now.at("pid").as_int(), pid());
  EXPECT_GT(now.at("memory_mb").as_double(), 0);
  EXPECT_GE(now.at("uptime_seconds").as_double(), 0);
  EXPECT_TRUE(now.at("error").is_null());
  const auto started =
      world_.engine().docker_ok({"inspect", "--format", "{{.State.StartedAt}}", container_of(name_)});
  EXPECT_EQ(now.at("started_at").as_string().substr(0, 19), started.substr(0, 19));
  EXPECT_TRUE(wait_until([&] {
    return std::atoll(read_file(controller_.state_dir() + "/streaming.pid").value_or("").c_str()) == pid();
  }));
  const auto uptime = now.at("uptime_seconds").as_double();
  EXPECT_TRUE(wait_status([&](const Json& json) { return json.at("uptime_seconds").as_double() > uptime; }));
  const auto health = controller_.get("/api/streaming/health").json;
  EXPECT_TRUE(health.at("healthy").as_bool()) << dump_json(health);
  const auto metrics = controller_.get("/api/streaming/metrics").json;
  EXPECT_TRUE(metrics.at("service_running").as_bool());
}

TEST_F(FacadeOnDocker, StopStartAndRestartAnswerWithTheContainersPid) {
  const auto first = pid();
  const auto running = controller_.post("/api/streaming/start");
  EXPECT_FALSE(running.json.at("success").as_bool());
  EXPECT_EQ(running.json.at("pid").as_int(), first);

  const auto stopped = controller_.post("/api/streaming/stop");
  EXPECT_TRUE(stopped.json.at("success").as_bool()) << stopped.text;
  EXPECT_TRUE(stopped.json.at("pid").is_null());
  EXPECT_FALSE(status().at("running").as_bool());
  EXPECT_EQ(pid(), 0);
  EXPECT_FALSE(controller_.post("/api/streaming/stop").json.at("success").as_bool());

  const auto started = controller_.post("/api/streaming/start");
  const auto second = pid();
  EXPECT_NE(second, first);
  expect_success(started, second);

  const auto restarted = controller_.post("/api/streaming/restart");
  const auto third = pid();
  EXPECT_NE(third, second);
  expect_success(restarted, third);
  EXPECT_EQ(count_containers(world_.engine(), name_), 1u);
}

TEST_F(FacadeOnDocker, AChangedConfigurationRestartsTheContainerWithIt) {
  const auto first = pid();
  const auto changed = controller_.post("/api/streaming/config", R"({"max_workers": 7})");
  const auto second = pid();
  EXPECT_NE(second, first);
  expect_success(changed, second);
  EXPECT_EQ(controller_.get("/api/streaming/config").json.at("max_workers").as_int(), 7);
  const auto env = world_.engine().docker_ok({"inspect", "--format", "{{.Config.Env}}", container_of(name_)});
  EXPECT_THAT(env, testing::HasSubstr("A=7"));
  EXPECT_EQ(count_containers(world_.engine(), name_), 1u);

  // The same once more changes nothing, and restarts all the same, as in the first system.
  const auto same = controller_.post("/api/streaming/config", R"({"max_workers": 7})");
  const auto third = pid();
  EXPECT_NE(third, second);
  expect_success(same, third);
}

}  // namespace
}  // namespace holdfast::test
