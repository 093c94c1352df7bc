#include "api/v1/serialize.h"

#include <set>

#include "tests/unit/api_v1/fixture.h"

namespace holdfast::api {
namespace {

TEST(Serialize, AServiceInFull) {
  test::SimClock clock;
  ServiceStatus status = test::running_service("web", clock);
  clock.advance(std::chrono::milliseconds(1500));
  status.restarts = 3;
  status.restarts_by_cause = {{"crash", 2}, {"config", 1}};
  status.last_exit = ExitRecord{std::nullopt, 9, true, false, "killed by signal 9 (KILL)", clock.wall()};
  status.last_error = Error{ErrorCode::kUnavailable, "no socket", "start the engine", false, {}};
  status.collected["queue"] = {{{"pending", 4}}, "locked", clock.wall()};
  const Json json = to_json(status, clock.now());
  EXPECT_EQ(json.at("instances").items()[0].at("uptimeSeconds"), Json(1.5));
  EXPECT_EQ(json.at("instances").items()[0].at("pid"), Json(4000));
  EXPECT_EQ(json.at("restartsByCause"), *parse_json(R"({"config": 1, "crash": 2})"));
  EXPECT_EQ(json.at("lastExit"),
            *parse_json(R"json({"code": null, "signal": 9, "oomKilled": true, "startFailed": false,
                                "reason": "killed by signal 9 (KILL)", "at": "2026-01-01T00:00:01.500000Z"})json"));
  EXPECT_EQ(json.at("lastError").at("hint"), Json("start the engine"));
  EXPECT_EQ(json.at("collected").at("queue").at("values").at("pending"), Json(4));
  EXPECT_EQ(json.at("conditions").items()[0].at("status"), Json("True"));
}

TEST(Serialize, WhatIsNotKnownIsNull) {
  ServiceStatus orphan;
  InstanceStatus instance;
  instance.observed.id = {"old", 0};
  orphan.instances = {instance};
  const Json json = to_json(orphan, MonoTime{});
  EXPECT_EQ(json.at("name"), Json("old"));
  for (const char* key : {"spec", "specHash", "lastExit", "lastError", "lastHeartbeat"})
    EXPECT_TRUE(json.at(key).is_null()) << key;
  const Json& shown = json.at("instances").items()[0];
  for (const char* key : {"pid", "startedAt", "uptimeSeconds", "exit"})
    EXPECT_TRUE(shown.at(key).is_null()) << key;
  EXPECT_TRUE(shown.at("usage").at("cpuPercent").is_null());
}

TEST(Serialize, AnExitedInstanceHasNoUptime) {
  test::SimClock clock;
  InstanceStatus instance = test::running_service("web", clock).instances.front();
  instance.observed.phase = Phase::kExited;
  EXPECT_TRUE(to_json(instance, clock.now()).at("uptimeSeconds").is_null());
}

TEST(Serialize, PendingExplainsItself) {
  ServiceStatus status;
  status.phase = "Backoff";
  EXPECT_EQ(why_pending(status), "phase Backoff");
  status.conditions = {{"Observed", Condition::Status::kTrue, "", "seen", {}, 1},
                       {"Progressing", Condition::Status::kTrue, "", "next start in 4s", {}, 1}};
  EXPECT_EQ(why_pending(status), "phase Backoff: next start in 4s");
  status.waiting_for = {"db", "cache"};
  status.last_error = Error{ErrorCode::kUnavailable, "no socket", "", false, {}};
  EXPECT_EQ(why_pending(status), "phase Backoff: waits for db, cache; no socket");
}

TEST(Serialize, HidingSparesReferences) {
  Json document = *parse_json(R"({"defaults": {"env": {"D": 1}}, "streaming": {"env": {"X": "kept"}},
      "services": {"a": {"env": {"A": "x", "B": {"secret": {"env": "HOME"}}, "C": null}}, "b": null,
                   "c": {"env": []}}})");
  hide_env_values(document);
  EXPECT_EQ(document,
            *parse_json(R"json({"defaults": {"env": {"D": "(hidden)"}}, "streaming": {"env": {"X": "kept"}},
      "services": {"a": {"env": {"A": "(hidden)", "B": {"secret": {"env": "HOME"}}, "C": null}}, "b": null,
                   "c": {"env": []}}})json"));
}

class System : public ApiTest {};

TEST_F(System, LivesAndTellsWhetherItIsReady) {
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(get("/readyz").status, 200);
  plane_.set_ready({false, {{"state", "disk full"}, {"config", "ok"}}});
  const auto response = get("/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(
      json(response),
      *parse_json(R"({"ready": false, "checks": {"config": "ok", "state": "disk full"}, "leader": null})"));
}

TEST_F(System, TellsVersionAndRuntimes) {
  EXPECT_EQ(json(get("/api/v1/version")),
            *parse_json(R"({"version": "1.2.3", "commit": "abc123", "apiVersion": "holdfast/v1"})"));
  const Json runtime = json(get("/api/v1/runtimes")).at("items").items().at(0);
  EXPECT_EQ(runtime.at("name"), Json("process"));
  EXPECT_EQ(runtime.at("features").at("limits.memory"), Json("emulated"));
}

TEST_F(System, EveryRouteHasTheRoleOfWhatItDoes) {
  const std::set<std::string> no_credentials{"/livez", "/readyz"};
  for (const auto& route : routes_) {
    const bool reads = route.method == http::Method::kGet || route.path == "/api/v1/plan";
    const bool acts = route.path.starts_with("/api/v1/services/:name/");
    const auto expected = no_credentials.contains(route.path) ? http::Role::kNone
                          : reads                             ? http::Role::kViewer
                          : acts                              ? http::Role::kOperator
                                                              : http::Role::kAdmin;
    EXPECT_EQ(http::to_string(route.role), http::to_string(expected)) << route.path;
  }
}

TEST(Audit, SaysWhoDidWhatFromWhereWithWhichResult) {
  http::Request request;
  request.method = http::Method::kPost;
  request.path = "/api/v1/services/web/stop";
  request.params = {{"name", "web"}};
  request.query.emplace("wait", "30s");
  request.body = "secret";
  request.peer = "10.0.0.9:1";
  request.identity = {"alice", http::Role::kOperator};
  AuditRecord record = audit_record(request, http::json_response(Json::object(), 202), from_unix_ms(0));
  EXPECT_EQ(record.actor + "|" + record.role + "|" + record.from + "|" + record.action + "|" + record.target,
            "alice|operator|10.0.0.9:1|POST /api/v1/services/web/stop|web");
  EXPECT_EQ(record.status, 202);
  EXPECT_EQ(record.result, "ok");
  record = audit_record(request, http::problem({ErrorCode::kNotFound, "no such", "", false, {}}, "r"),
                        from_unix_ms(0));
  EXPECT_EQ(record.status, 404);
  EXPECT_EQ(record.result, "no such");
}

}  // namespace
}  // namespace holdfast::api
