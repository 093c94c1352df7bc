#include "tests/unit/streaming/fixture.h"

namespace holdfast::streaming {
namespace {

using http::Method;

std::vector<std::string> names(const Json& object) {
  std::vector<std::string> result;
  for (const auto& [name, value] : object.members()) result.push_back(name);
  return result;
}

using Names = std::vector<std::string>;

TEST_F(StreamingTest, StatusOfARunningServiceHasEveryFieldInItsType) {
  declare();
  clock_.advance(std::chrono::milliseconds{90500});
  const auto status = get("status");
  EXPECT_EQ(names(status), (Names{"running", "pid", "started_at", "uptime_seconds", "cpu_percent",
                                  "memory_mb", "last_heartbeat", "config", "error"}));
  EXPECT_TRUE(status.at("running").as_bool());
  EXPECT_EQ(status.at("pid").as_int(), 4000);
  EXPECT_EQ(status.at("started_at").as_string(), "2026-01-01T00:00:00+00:00");
  EXPECT_EQ(status.at("uptime_seconds").as_double(), 90.5);
  EXPECT_EQ(status.at("cpu_percent").as_double(), 12.5);
  EXPECT_EQ(status.at("memory_mb").as_double(), 64);
  EXPECT_TRUE(status.at("memory_mb").is_double());
  EXPECT_TRUE(status.at("last_heartbeat").is_null());
  EXPECT_EQ(status.at("config").at("input_dir").as_string(), "/in");
  EXPECT_EQ(status.at("config").members().size(), 16u);
  EXPECT_TRUE(status.at("error").is_null());
}

TEST_F(StreamingTest, UptimeMovesWithoutANewStatus) {
  declare();
  EXPECT_EQ(get("status").at("uptime_seconds").as_double(), 0);
  clock_.advance(std::chrono::seconds{5});
  EXPECT_EQ(get("status").at("uptime_seconds").as_double(), 5);
  clock_.set_wall(WallTime{});  // the wall clock is of no account
  EXPECT_EQ(get("health").at("uptime_seconds").as_double(), 5);
}

TEST_F(StreamingTest, StatusFollowsTheSnapshotAndTheConfiguration) {
  declare();
  EXPECT_EQ(get("status").at("config").at("max_workers").as_int(), 4);
  declare(Json::object({{"max_workers", 7}}));
  EXPECT_EQ(get("status").at("config").at("max_workers").as_int(), 7);
  change([](ServiceStatus& s) { s.last_heartbeat = parse_rfc3339("2026-01-02T03:04:05.678900Z"); });
  EXPECT_EQ(get("status").at("last_heartbeat").as_string(), "2026-01-02T03:04:05.678900+00:00");
}

TEST_F(StreamingTest, StoppedServiceShowsNulls) {
  declare();
  control_.command("streaming", Verb::kStop, {});
  const auto status = get("status");
  EXPECT_FALSE(status.at("running").as_bool());
  for (const auto* field : {"pid", "started_at", "uptime_seconds", "cpu_percent", "memory_mb", "error"}) {
    EXPECT_TRUE(status.at(field).is_null()) << field;
  }
  EXPECT_FALSE(get("health").at("healthy").as_bool());
}

TEST_F(StreamingTest, UnknownUsageGivesAPartialStatus) {
  declare();
  change([](ServiceStatus& s) { s.instances[0].usage = {}; });
  const auto status = get("status");
  EXPECT_TRUE(status.at("running").as_bool());
  EXPECT_TRUE(status.at("cpu_percent").is_null());
  EXPECT_TRUE(status.at("memory_mb").is_null());
}

TEST_F(StreamingTest, HealthNeedsRunningReadyAndNoError) {
  declare();
  const auto health = get("health");
  EXPECT_EQ(names(health),
            (Names{"healthy", "running", "uptime_seconds", "cpu_percent", "memory_mb", "error"}));
  EXPECT_TRUE(health.at("healthy").as_bool());
  change([](ServiceStatus& s) { s.ready = false; });
  EXPECT_FALSE(get("health").at("healthy").as_bool());
  change([](ServiceStatus& s) {
    s.ready = true;
    s.last_error =
        Error{ErrorCode::kPermission, "no access to /var/run/docker.sock", "join the group docker"};
  });
  const auto failing = get("health");
  EXPECT_FALSE(failing.at("healthy").as_bool());
  EXPECT_TRUE(failing.at("running").as_bool());
  EXPECT_EQ(failing.at("error").as_string(), "no access to /var/run/docker.sock (join the group docker)");
}

TEST_F(StreamingTest, ErrorSaysWhyItIsNotUp) {
  declare();
  change([](ServiceStatus& s) {
    s.phase = "Backoff";
    s.ready = false;
    s.instances.clear();
    s.last_exit = exit_with(3);
  });
  EXPECT_EQ(get("status").at("error").as_string(), "exit code 3");
  change([](ServiceStatus& s) {
    s.phase = "Waiting";
    s.waiting_for = {"database"};
  });
  EXPECT_EQ(get("status").at("error").as_string(), "waiting for database");
  change([](ServiceStatus& s) {
    s.conditions.push_back(
        {"Observed", Condition::Status::kFalse, "Unreachable", "no engine answers", {}, 1});
  });
  EXPECT_EQ(get("status").at("error").as_string(), "cannot be observed: no engine answers");
}

TEST_F(StreamingTest, ErrorTextWithQuotesKeepsTheBodyValid) {
  declare();
  change([](ServiceStatus& s) {
    s.last_error = Error{ErrorCode::kInternal, "\"uptime_seconds\":null \n\x01", ""};
  });
  EXPECT_EQ(get("status").at("uptime_seconds").as_double(), 0);
  EXPECT_EQ(get("status").at("error").as_string(), "\"uptime_seconds\":null \n\x01");
}

TEST_F(StreamingTest, MetricsComeFromTheCollectors) {
  declare();
  change([](ServiceStatus& s) {
    s.collected["queue"].values = {{"pending", 5}, {"completed", 150}};
    s.collected["rate"].values = {{"completed_last_hour", 12}};
  });
  const auto metrics = get("metrics");
  EXPECT_EQ(names(metrics), (Names{"service_running", "uptime_seconds", "cpu_percent", "memory_mb",
                                   "queue_stats", "processing_rate_per_hour"}));
  EXPECT_EQ(dump_json(metrics.at("queue_stats")), R"({"completed":150,"pending":5})");
  EXPECT_EQ(dump_json(metrics.at("processing_rate_per_hour")), "12");
}

TEST_F(StreamingTest, ABrokenQueueGivesPartialMetricsAndTheReason) {
  declare();
  change([](ServiceStatus& s) { s.collected["queue"].error = "cannot open state/db/ingest.sqlite3"; });
  const auto response = call(Method::kGet, "metrics");
  EXPECT_EQ(response.status, 200);
  const auto metrics = json(response);
  EXPECT_EQ(metrics.at("queue_error").as_string(), "cannot open state/db/ingest.sqlite3");
  EXPECT_TRUE(metrics.at("queue_stats").is_object());
  EXPECT_EQ(metrics.at("processing_rate_per_hour").as_int(), 0);
}

TEST_F(StreamingTest, ServesTheServiceThatTheConfigurationNames) {
  control_.set_base(*parse_json(
      R"({"streaming": {"service": "other"}, "services": {"other": {"parameters": {"max_workers": 3}}}})"));
  EXPECT_EQ(get("config").at("max_workers").as_int(), 3);
}

TEST_F(StreamingTest, AnUndeclaredServiceIsAClearProblem) {
  for (const auto* name : {"status", "health", "config", "metrics"}) {
    const auto response = call(Method::kGet, name);
    EXPECT_EQ(response.status, 404) << name;
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_EQ(json(response).at("detail").as_string(), "the service \"streaming\" is not declared");
    EXPECT_NE(json(response).at("hint").as_string().find("streaming.service"), std::string::npos);
  }
  for (const auto* name : {"config", "start", "stop", "restart"}) {
    EXPECT_EQ(call(Method::kPost, name).status, 404) << name;
  }
}

TEST_F(StreamingTest, IsoTimesAreAsPythonWritesThem) {
  EXPECT_EQ(iso_time(*parse_rfc3339("2026-11-22T18:47:03Z")), "2026-11-22T18:47:03+00:00");
  EXPECT_EQ(iso_time(*parse_rfc3339("2026-11-22T18:47:03.120000Z")), "2026-11-22T18:47:03.120000+00:00");
}

}  // namespace
}  // namespace holdfast::streaming
