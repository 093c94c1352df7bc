// The engine itself ends, dies or hangs under what it runs.
#include "tests/e2e/docker/site.h"

namespace holdfast::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// Two services in containers and a process, on an engine of their own.
class EngineFaults : public testing::Test {
 protected:
  void run(PrivateEngine::Options options = {}) {
    engine_.emplace(options);
    controller_.setup() = reaching(engine_->engine().host());
    controller_.start();
    for (const auto* name : {"a", "b", "proc"}) pids_[name] = wait_running(controller_, name);
  }
  [[nodiscard]] std::int64_t engine_pid(const std::string& name) const {
    return main_pid(engine_->engine(), container_of(name));
  }
  void expect_undisturbed(const std::string& name) {
    EXPECT_EQ(wait_running(controller_, name), pids_[name]) << name;
    EXPECT_EQ(controller_.service(name).at("restarts").as_int(), 0) << name;
    if (name == "proc") return;
    EXPECT_EQ(engine_pid(name), pids_[name]) << name;
    EXPECT_EQ(count_containers(engine_->engine(), name), 1u) << name;
  }
  // Was ended with its engine, and came back once.
  void expect_restarted_once(const std::string& name) {
    const auto up = controller_.wait_service(name, [&](const Json& json) {
      return is_running(json) && pid_of(json) != pids_[name] && json.at("settled").as_bool();
    });
    ASSERT_TRUE(up);
    EXPECT_EQ(up->at("restarts").as_int(), 1) << name;
    EXPECT_EQ(pid_of(*up), engine_pid(name));
    EXPECT_EQ(count_containers(engine_->engine(), name), 1u) << name;
    const auto events = events_of(controller_, name);
    EXPECT_EQ(std::count_if(events.begin(), events.end(),
                            [](const auto& event) { return event.starts_with("Exited:"); }),
              1)
        << testing::PrintToString(events);
    EXPECT_EQ(std::count_if(events.begin(), events.end(),
                            [](const auto& event) { return event.starts_with("Started:"); }),
              2)
        << testing::PrintToString(events);
    EXPECT_THAT(events, Contains("Exited:exit"));  // test-service ends with 0 when it is asked to
    EXPECT_EQ(up->at("lastExit").at("reason").as_string(), "exit code 0");
  }
  // Killed now, it is back before anything of the engine is.
  void expect_process_is_supervised() {
    const auto before = pids_["proc"];
    ASSERT_TRUE(signal_process(static_cast<pid_t>(before), SIGKILL));
    const auto up = controller_.wait_service(
        "proc", [&](const Json& json) { return is_running(json) && pid_of(json) != before; });
    ASSERT_TRUE(up);
    pids_["proc"] = pid_of(*up);
  }

  std::optional<PrivateEngine> engine_;
  Controller controller_{document(container_service("a") + container_service("b") + process_service("proc"),
                                  "", ", workers: 1")};
  std::map<std::string, std::int64_t> pids_;
};

TEST_F(EngineFaults, ContainersThatEndWithTheirEngineComeBackOnceEach) {
  run();
  engine_->stop();
  const auto gone = wait_unknown(controller_, "a");
  ASSERT_TRUE(gone);
  EXPECT_THAT(condition_of(*gone, "Observed").at("message").as_string(),
              HasSubstr("Docker can't be reached at " + engine_->engine().host()));
  EXPECT_EQ(condition_of(*gone, "Ready").at("status").as_string(), "Unknown");
  EXPECT_EQ(gone->at("lastError").at("code").as_string(), "unavailable");
  expect_process_is_supervised();
  engine_->up();
  expect_restarted_once("a");
  expect_restarted_once("b");
}

TEST_F(EngineFaults, WithLiveRestoreNothingNoticesThatTheEngineWasStopped) {
  run({.live_restore = true});
  engine_->stop();
  ASSERT_TRUE(wait_unknown(controller_, "a"));
  engine_->up();
  for (const auto* name : {"a", "b", "proc"}) expect_undisturbed(name);
}

TEST_F(EngineFaults, WithLiveRestoreNothingNoticesThatTheEngineWasKilled) {
  run({.live_restore = true});
  engine_->kill();
  ASSERT_TRUE(wait_unknown(controller_, "b"));
  controller_.kill9();  // and the controller too: who comes back knows only its records
  controller_.start();
  ASSERT_TRUE(wait_unknown(controller_, "b"));
  engine_->up();
  for (const auto* name : {"a", "b", "proc"}) expect_undisturbed(name);
}

TEST_F(EngineFaults, WhatAKilledEngineTookAlongComesBackOnceEach) {
  run();
  engine_->kill();
  ASSERT_TRUE(wait_unknown(controller_, "a"));
  engine_->up();
  expect_restarted_once("a");
  expect_restarted_once("b");
}

TEST_F(EngineFaults, WhileTheEngineHangsAllElseIsSupervised) {
  run();
  engine_->hang();
  // More than one of them, and there is one worker for them.
  for (const auto* name : {"a", "b"})
    EXPECT_EQ(controller_.post("/api/v1/services/" + std::string(name) + "/restart").status, 202);
  expect_process_is_supervised();
  EXPECT_EQ(controller_.get("/api/v1/services").json.at("items").items().size(), 3u);
  EXPECT_EQ(controller_.get("/api/streaming/status").status, 404);  // an answer: there is no such service
  const auto gone = wait_unknown(controller_, "a");
  ASSERT_TRUE(gone);
  EXPECT_THAT(condition_of(*gone, "Observed").at("message").as_string(),
              AllOf(HasSubstr("no answer from Docker within"), Not(HasSubstr("libcurl"))));
  expect_process_is_supervised();
  EXPECT_EQ(controller_.get("/api/v1/services/a/events").status, 200);
  EXPECT_FALSE(controller_.metrics().empty());

  engine_->resume();
  for (const auto* name : {"a", "b"}) {
    const auto up = controller_.wait_service(name, [&](const Json& json) {
      return is_running(json) && pid_of(json) != pids_[name] && json.at("settled").as_bool();
    });
    ASSERT_TRUE(up);
    EXPECT_EQ(pid_of(*up), engine_pid(name));
    EXPECT_EQ(count_containers(engine_->engine(), name), 1u);
  }
  EXPECT_EQ(wait_running(controller_, "proc"), pids_["proc"]);
}

TEST_F(EngineFaults, AHangOfTheEngineAloneRestartsNothing) {
  run();
  engine_->hang();
  ASSERT_TRUE(wait_unknown(controller_, "a"));
  engine_->resume();
  for (const auto* name : {"a", "b", "proc"}) expect_undisturbed(name);
}

}  // namespace
}  // namespace holdfast::test
