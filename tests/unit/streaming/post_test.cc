#include "tests/unit/streaming/fixture.h"

namespace holdfast::streaming {
namespace {

using http::Method;
using Verbs = std::vector<Verb>;
using testing::HasSubstr;

TEST_F(StreamingTest, StartOfARunningServiceSaysSoWithItsPid) {
  declare();
  const auto answer = post("start");
  EXPECT_FALSE(answer.at("success").as_bool());
  EXPECT_EQ(answer.at("message").as_string(), "Streaming service is already running");
  EXPECT_EQ(answer.at("pid").as_int(), 4000);
  EXPECT_TRUE(verbs().empty());
}

TEST_F(StreamingTest, StopThenStopAgainThenStart) {
  declare();
  auto answer = post("stop");
  EXPECT_TRUE(answer.at("success").as_bool());
  EXPECT_TRUE(answer.at("pid").is_null());
  answer = post("stop");
  EXPECT_FALSE(answer.at("success").as_bool());
  EXPECT_EQ(answer.at("message").as_string(), "Streaming service is not running");
  answer = post("start");
  EXPECT_TRUE(answer.at("success").as_bool()) << dump_json(answer);
  EXPECT_TRUE(answer.at("pid").is_int());
  EXPECT_EQ(verbs(), (Verbs{Verb::kStop, Verb::kStart}));
}

TEST_F(StreamingTest, CommandsCarryWhoAsked) {
  declare();
  post("stop");
  ASSERT_EQ(control_.commands().size(), 1u);
  EXPECT_EQ(control_.commands()[0].actor.name, "tester");
  EXPECT_EQ(control_.commands()[0].actor.from, "test");
}

TEST_F(StreamingTest, RestartAnswersWithTheNewPid) {
  declare();
  const auto answer = post("restart");
  EXPECT_TRUE(answer.at("success").as_bool());
  EXPECT_EQ(answer.at("pid").as_int(), 4001);
  EXPECT_EQ(verbs(), Verbs{Verb::kRestart});
}

TEST_F(StreamingTest, RestartOfAStoppedServiceStartsIt) {
  declare();
  post("stop");
  const auto answer = post("restart");
  EXPECT_TRUE(answer.at("success").as_bool());
  EXPECT_EQ(verbs(), (Verbs{Verb::kStop, Verb::kStart}));
}

TEST_F(StreamingTest, PartialConfigMergesAndRestarts) {
  declare();
  const auto answer = post("config", R"({"max_workers": 2})");
  EXPECT_TRUE(answer.at("success").as_bool()) << dump_json(answer);
  EXPECT_EQ(answer.at("pid").as_int(), 4001);
  const auto config = get("config");
  EXPECT_EQ(config.at("max_workers").as_int(), 2);
  EXPECT_EQ(config.at("input_dir").as_string(), "/in");
  EXPECT_TRUE(verbs().empty()) << "the change of the service replaced the instance by itself";
  EXPECT_EQ(control_.revisions().size(), 1u);
}

TEST_F(StreamingTest, ConfigThatChangesNothingStillRestartsWhatRuns) {
  declare();
  const auto answer = post("config", R"({"max_workers": 4})");
  EXPECT_TRUE(answer.at("success").as_bool());
  EXPECT_EQ(answer.at("pid").as_int(), 4001);
  EXPECT_EQ(verbs(), Verbs{Verb::kRestart});
  EXPECT_TRUE(control_.revisions().empty());
}

TEST_F(StreamingTest, ConfigOfAStoppedServiceIsOnlySaved) {
  declare();
  post("stop");
  const auto answer = post("config", R"({"chunk_duration": 2})");
  EXPECT_TRUE(answer.at("success").as_bool());
  EXPECT_EQ(answer.at("message").as_string(), "Configuration updated (service not running)");
  EXPECT_TRUE(answer.at("pid").is_null());
  EXPECT_EQ(get("config").at("chunk_duration").as_double(), 2);
}

TEST_F(StreamingTest, InvalidConfigChangesAndRestartsNothing) {
  declare();
  for (const auto* name : {"config", "start", "restart"}) {
    const auto response = call(Method::kPost, name, R"({"max_workers": 200, "input_dir": "/new"})");
    EXPECT_EQ(response.status, 422) << name;
    EXPECT_THAT(json(response).at("detail").as_string(), HasSubstr("max_workers"));
  }
  EXPECT_EQ(get("config").at("input_dir").as_string(), "/in");
  EXPECT_TRUE(verbs().empty());
  EXPECT_TRUE(control_.revisions().empty());
}

TEST_F(StreamingTest, ARefusalByTheServicesOwnSchemaIs422Too) {
  declare();
  control_.on_validate = [](const Json&) -> Status {
    return fail(ErrorCode::kInvalid, "services.streaming.parameters.max_workers: must be at most 3");
  };
  const auto response = call(Method::kPost, "config", R"({"max_workers": 5})");
  EXPECT_EQ(response.status, 422);
  EXPECT_THAT(json(response).at("detail").as_string(), HasSubstr("max_workers"));
  EXPECT_TRUE(verbs().empty());
}

TEST_F(StreamingTest, BodiesThatAreNoObjectAre422) {
  declare();
  for (const auto* body : {"{", "[1]", "3", "\"x\"", "{\"max_workers\": 2, \"max_workers\": 3}", "\xff"}) {
    EXPECT_EQ(call(Method::kPost, "config", body).status, 422) << body;
  }
  EXPECT_TRUE(control_.revisions().empty());
}

TEST_F(StreamingTest, EmptyBodiesMeanTheSavedConfig) {
  declare();
  for (const auto* body : {"", " \n", "null", "{}"}) {
    EXPECT_TRUE(post("restart", body).at("success").as_bool()) << body;
  }
  EXPECT_TRUE(control_.revisions().empty());
}

TEST_F(StreamingTest, UnknownFieldsAreIgnoredAndNamed) {
  declare();
  post("stop");
  const auto answer = post("config", R"({"max_worker": 2})");
  EXPECT_TRUE(answer.at("success").as_bool());
  EXPECT_THAT(answer.at("message").as_string(), HasSubstr("ignored unknown field \"max_worker\""));
}

TEST_F(StreamingTest, StartWithABodySavesItFirst) {
  declare();
  post("stop");
  EXPECT_TRUE(post("start", R"({"max_workers": 6})").at("success").as_bool());
  EXPECT_EQ(get("config").at("max_workers").as_int(), 6);
}

TEST_F(StreamingTest, OnlyAdminsChangeTheConfig) {
  declare();
  EXPECT_EQ(begin(Method::kPost, "restart", R"({"max_workers": 6})", http::Role::kOperator).get().status,
            403);
  EXPECT_TRUE(control_.revisions().empty());
  EXPECT_TRUE(verbs().empty());
  EXPECT_EQ(begin(Method::kPost, "restart", R"({"max_workers": 4})", http::Role::kOperator).get().status, 200)
      << "what is equal is no change";
}

TEST_F(StreamingTest, StartWaitsUntilTheServiceIsUp) {
  declare();
  post("stop");
  control_.settle_at_once = false;
  auto answer = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  EXPECT_EQ(answer.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  control_.settle("streaming");
  EXPECT_TRUE(json(answer.get()).at("success").as_bool());
}

TEST_F(StreamingTest, StartOfAServiceWithAProbeWaitsUntilItIsReady) {
  declare();
  post("stop");
  control_.settle_at_once = false;
  auto answer = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  const auto gated = [](ServiceStatus& s, bool ready) {
    auto spec = std::make_shared<ServiceSpec>(*s.spec);
    spec->health.readiness = Probe{TcpProbe{"127.0.0.1", 1}};
    s.spec = spec;
    s.instances.assign(1, {});
    s.instances[0].observed.incarnation = 9;
    s.instances[0].observed.phase = Phase::kRunning;
    s.instances[0].observed.pid = 77;
    s.phase = "Running";
    s.ready = ready;
  };
  change([&](ServiceStatus& s) { gated(s, false); });
  // Calls are decided one after the other: once this one is, the status above has been looked at.
  EXPECT_EQ(post("start").at("pid").as_int(), 77);
  EXPECT_EQ(answer.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  change([&](ServiceStatus& s) { gated(s, true); });
  EXPECT_EQ(json(answer.get()).at("pid").as_int(), 77);
}

TEST_F(StreamingTest, AServiceThatDiesAtOnceIsReportedWithItsStderr) {
  declare();
  post("stop");
  control_.settle_at_once = false;
  control_.set_logs("streaming", "first\nTraceback: no such directory /in\n");
  auto pending = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  change([](ServiceStatus& s) {
    s.phase = "Backoff";
    s.last_exit = exit_with(2);
  });
  const auto answer = json(pending.get());
  EXPECT_FALSE(answer.at("success").as_bool());
  EXPECT_TRUE(answer.at("pid").is_null());
  EXPECT_EQ(answer.at("message").as_string(),
            "Streaming service failed to start: exit code 2\nfirst\nTraceback: no such directory /in");
  EXPECT_EQ(control_.last_logs_query().stream, "stderr");
  EXPECT_EQ(control_.last_logs_query().since, clock_.wall());
}

TEST_F(StreamingTest, AServiceThatDiesWhileItIsWatchedIsReported) {
  options_.times.hold = std::chrono::minutes{5};  // never ends by itself here
  declare();
  post("stop");
  auto pending = begin(Method::kPost, "start");  // runs at once
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  change([](ServiceStatus& s) {
    s.instances[0].observed.phase = Phase::kExited;
    s.instances[0].observed.exit = exit_with(1);
  });
  // Its successor runs already when the facade looks, or it is seen exited: both are a failure... of this
  // run.
  const auto answer = json(pending.get());
  EXPECT_FALSE(answer.at("success").as_bool());
  EXPECT_THAT(answer.at("message").as_string(), HasSubstr("exit"));
}

TEST_F(StreamingTest, AnImmediateRestartDoesNotHideACrash) {
  options_.times.hold = std::chrono::minutes{5};
  declare();
  post("stop");
  control_.settle_at_once = false;
  auto pending = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  control_.settle("streaming");
  // Calls are decided one after the other: once this one is, the first run has been seen.
  EXPECT_FALSE(post("start").at("success").as_bool());
  change([](ServiceStatus& s) {
    s.instances[0].observed.incarnation += 1;
    s.last_exit = exit_with(4);
  });
  EXPECT_THAT(json(pending.get()).at("message").as_string(), HasSubstr("exit code 4"));
}

TEST_F(StreamingTest, ErrorsOfTheRuntimeAreReportedWithGuidance) {
  declare();
  post("stop");
  control_.settle_at_once = false;
  auto pending = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  change([](ServiceStatus& s) {
    s.last_error =
        Error{ErrorCode::kNotFound, "no container named contimg-stream", "create it: docker create"};
  });
  const auto answer = json(pending.get());
  EXPECT_FALSE(answer.at("success").as_bool());
  EXPECT_EQ(
      answer.at("message").as_string(),
      "Streaming service failed to start: no container named contimg-stream (create it: docker create)");
}

TEST_F(StreamingTest, AnOldErrorIsNoVerdictOnANewStart) {
  declare();
  control_.settle_at_once = false;
  change([](ServiceStatus& s) {
    s.last_error = Error{ErrorCode::kUnavailable, "no engine", ""};
    s.desired = Desired::kStopped;
    s.phase = "Stopped";
    s.instances.clear();
  });
  auto pending = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 1; }));
  change([](ServiceStatus& s) { s.last_error.reset(); });
  control_.settle("streaming");
  EXPECT_TRUE(json(pending.get()).at("success").as_bool());
}

TEST_F(StreamingTest, AStartThatIsOvertakenByAStopEnds) {
  declare();
  post("stop");
  control_.settle_at_once = false;
  auto start = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  auto stop = begin(Method::kPost, "stop");
  EXPECT_THAT(json(start.get()).at("message").as_string(), HasSubstr("another request wants it stopped"));
  control_.settle("streaming");
  EXPECT_TRUE(json(stop.get()).at("success").as_bool());
}

TEST_F(StreamingTest, StartOfAServiceThatHasFailedTriesAgainAtOnce) {
  declare();
  change([](ServiceStatus& s) {
    s.phase = "Failed";
    s.instances.clear();
    s.last_exit = exit_with(1);
    s.settled = true;
  });
  EXPECT_TRUE(post("start").at("success").as_bool());
  EXPECT_EQ(verbs(), (Verbs{Verb::kStart, Verb::kRestart}));
}

TEST_F(StreamingTest, TheDeadlineSaysWhatIsStillMissing) {
  options_.times.deadline = std::chrono::milliseconds{1};
  declare();
  post("stop");
  control_.settle_at_once = false;
  control_.on_command = [this](const std::string& name, Verb,
                               const Actor&) -> std::optional<Result<VerbResult>> {
    control_.change_service(name, [](ServiceStatus& s) {
      s.desired = Desired::kRunning;
      s.phase = "Waiting";
      s.waiting_for = {"database"};
    });
    return VerbResult{true, 0};
  };
  const auto answer = post("start");
  EXPECT_FALSE(answer.at("success").as_bool());
  EXPECT_THAT(answer.at("message").as_string(), HasSubstr("waiting for database"));
}

TEST_F(StreamingTest, RemovalOfTheServiceEndsAPendingCall) {
  declare();
  post("stop");
  control_.settle_at_once = false;
  auto pending = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  control_.remove_service("streaming");
  EXPECT_THAT(json(pending.get()).at("message").as_string(), HasSubstr("removed"));
}

TEST_F(StreamingTest, ShutdownAnswersWhatIsPending) {
  declare();
  post("stop");
  control_.settle_at_once = false;
  auto pending = begin(Method::kPost, "start");
  ASSERT_TRUE(test::wait_until([&] { return verbs().size() == 2; }));
  facade_.reset();
  EXPECT_THAT(json(pending.get()).at("message").as_string(), HasSubstr("shutting down"));
  EXPECT_EQ(control_.subscriptions(), 0u);
}

}  // namespace
}  // namespace holdfast::streaming
