#include "tests/unit/api_v1/fixture.h"

namespace holdfast::api {
namespace {

using http::Method;
using http::Role;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Services : public ApiTest {
 protected:
  void SetUp() override {
    plane_.set_base(*parse_json(R"({"services": {
        "web": {"command": ["web"], "args": ["--port", "80"], "env": {"A": "plain", "B": {"secret": {"file": "/s"}}}},
        "db": {"command": ["db"], "desired": "stopped"}}})"));
  }
  static std::vector<std::string> names(const Json& list) {
    std::vector<std::string> result;
    for (const auto& item : list.at("items").items()) result.push_back(item.at("name").as_string());
    return result;
  }
  std::string etag() { return header(get("/api/v1/services/web"), "ETag"); }
};

TEST_F(Services, AreListedByName) {
  const auto response = get("/api/v1/services");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(names(json(response)), ElementsAre("db", "web"));
  for (const char* query : {"?watch=false", "?watch=0"})
    EXPECT_EQ(names(json(get(std::string("/api/v1/services") + query))).size(), 2u);
  EXPECT_EQ(get("/api/v1/services?watch=maybe").status, 400);
}

TEST_F(Services, OneShowsStatusAndDeclaredConfiguration) {
  const auto response = get("/api/v1/services/web");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "ETag"), "\"" + plane_.config()->etag + "\"");
  const Json web = json(response);
  EXPECT_EQ(web.at("phase"), Json("Running"));
  EXPECT_EQ(web.at("config").at("args"), *parse_json(R"(["--port", "80"])"));
  EXPECT_EQ(web.at("spec").at("command"), *parse_json(R"(["web", "--port", "80"])"));
}

TEST_F(Services, EnvironmentValuesAreForThoseWhoMayAct) {
  EXPECT_EQ(json(get("/api/v1/services/web")).at("spec").at("env"), *parse_json(R"(["A", "B"])"));
  for (const char* target :
       {"/api/v1/services/web", "/api/v1/services", "/api/v1/config", "/api/v1/config/layers",
        "/api/v1/config/explain?path=services.web.env", "/api/v1/config/explain"}) {
    const auto viewed = get(target, {.role = Role::kViewer});
    EXPECT_EQ(viewed.status, 200);
    EXPECT_THAT(viewed.body, Not(HasSubstr("plain"))) << target;
  }
  EXPECT_THAT(get("/api/v1/services/web", {.role = Role::kViewer}).body,
              HasSubstr("/s"));  // a reference, no secret
  for (const char* target :
       {"/api/v1/services/web", "/api/v1/config", "/api/v1/config/explain?path=services.web.env.A"})
    EXPECT_THAT(get(target, {.role = Role::kOperator}).body, HasSubstr("plain")) << target;
}

TEST_F(Services, AnUnknownOneIsAProblemThatSaysWhereToLook) {
  using Request = std::pair<Method, std::string>;
  for (const auto& [method, below] :
       {Request{Method::kGet, ""}, Request{Method::kGet, "/instances"}, Request{Method::kGet, "/logs"},
        Request{Method::kGet, "/events"}, Request{Method::kDelete, ""}, Request{Method::kPost, "/start"},
        Request{Method::kPost, "/stop"}, Request{Method::kPost, "/restart"},
        Request{Method::kPost, "/heartbeat"}}) {
    const auto response = call(method, "/api/v1/services/nope" + below);
    EXPECT_EQ(response.status, 404) << below;
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_THAT(json(response).at("detail").as_string(), HasSubstr("'nope'"));
    EXPECT_THAT(json(response).at("hint").as_string(), HasSubstr("/api/v1/services"));
    EXPECT_EQ(json(response).at("request_id"), Json("req-1"));
  }
  EXPECT_EQ(call(Method::kPatch, "/api/v1/services/nope", "{}").status, 404);
}

TEST_F(Services, InstancesAreAList) {
  const Json list = json(get("/api/v1/services/web/instances"));
  ASSERT_EQ(list.at("items").items().size(), 1u);
  EXPECT_EQ(list.at("items").items()[0].at("ordinal"), Json(0));
  EXPECT_TRUE(json(get("/api/v1/services/db/instances")).at("items").items().empty());
}

TEST_F(Services, LogsAreTextAndTheirQueryIsChecked) {
  plane_.set_logs("web", "one\ntwo\nthree\n");
  const auto response = get("/api/v1/services/web/logs?tail=2&stream=stderr&instance=1&since=5m");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "two\nthree\n");
  EXPECT_THAT(response.content_type, testing::StartsWith("text/plain"));
  const auto query = plane_.last_logs_query();
  EXPECT_EQ(query.tail, 2u);
  EXPECT_EQ(query.stream, "stderr");
  EXPECT_EQ(query.ordinal, 1);
  EXPECT_EQ(query.since, clock_.wall() - std::chrono::minutes(5));
  ASSERT_EQ(get("/api/v1/services/web/logs?since=2026-01-01T00:00:00Z").status, 200);
  EXPECT_EQ(plane_.last_logs_query().since, parse_rfc3339("2026-01-01T00:00:00Z"));
  EXPECT_EQ(plane_.last_logs_query().tail, 200u);
  EXPECT_EQ(plane_.last_logs_query().ordinal, std::nullopt);
  for (const char* bad : {"tail=-1", "tail=x", "tail=100001", "tail=", "tail=1x", "stream=both", "instance=a",
                          "since=yesterday", "since=5", "follow=1", "follow", "follow=perhaps"})
    EXPECT_EQ(get(std::string("/api/v1/services/web/logs?") + bad).status, 400) << bad;
  EXPECT_EQ(get("/api/v1/services/db/logs").status, 503);  // the runtime has none
}

TEST_F(Services, EventsComeWithTheirCauseAndOutliveTheService) {
  Event event;
  event.service = "web";
  event.ordinal = 0;
  event.incarnation = 2;
  event.type = "Exited";
  event.severity = "warning";
  event.message = "exit code 3";
  event.cause = "crash";
  event.exit = ExitRecord{3, std::nullopt, false, false, "exit code 3", clock_.wall()};
  plane_.add_event(event);
  event.service = "db";
  plane_.add_event(event);
  event.service = "web";
  plane_.add_event(event);
  const auto ids = [this](const std::string& target) {
    std::vector<std::int64_t> result;
    const Json list = json(get(target));
    for (const auto& item : list.at("items").items()) result.push_back(item.at("id").as_int());
    return result;
  };
  EXPECT_THAT(ids("/api/v1/services/web/events"), ElementsAre(1, 3));
  EXPECT_THAT(ids("/api/v1/services/web/events?since=1"), ElementsAre(3));
  EXPECT_THAT(ids("/api/v1/services/web/events?limit=1"), ElementsAre(3));
  EXPECT_THAT(ids("/api/v1/events"), ElementsAre(1, 2, 3));
  EXPECT_THAT(ids("/api/v1/events?service=db"), ElementsAre(2));
  EXPECT_EQ(get("/api/v1/services/web/events?limit=many").status, 400);
  EXPECT_EQ(get("/api/v1/events?since=-1").status, 400);
  const Json item = json(get("/api/v1/services/web/events")).at("items").items()[0];
  EXPECT_EQ(item.at("cause"), Json("crash"));
  EXPECT_EQ(item.at("exit").at("code"), Json(3));
  plane_.remove_service("web");
  EXPECT_THAT(ids("/api/v1/services/web/events"), ElementsAre(1, 3));
}

TEST_F(Services, PutDeclaresAndReplaces) {
  const auto made = call(Method::kPut, "/api/v1/services/new", R"({"command": ["x"]})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(json(made).at("name"), Json("new"));
  EXPECT_EQ(json(made).at("changed"), Json(true));
  EXPECT_EQ(header(made, "ETag"), "\"" + plane_.config()->etag + "\"");
  const auto again = call(Method::kPut, "/api/v1/services/new", R"({"command": ["x"]})");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json(again).at("changed"), Json(false));
  const auto refused =
      call(Method::kPut, "/api/v1/services/new", R"({"command": ["y"]})", {{{"if-none-match", "*"}}});
  EXPECT_EQ(refused.status, 412);
  EXPECT_EQ(json(get("/api/v1/services/new")).at("config").at("command"), *parse_json(R"(["x"])"));
}

TEST_F(Services, PatchMergesAndDeleteRemovesWhatAFileDeclares) {
  EXPECT_EQ(call(Method::kPatch, "/api/v1/services/web", R"({"replicas": 2, "args": null})").status, 200);
  const Json web = json(get("/api/v1/services/web"));
  EXPECT_EQ(web.at("config").at("replicas"), Json(2));
  EXPECT_EQ(web.at("config").find("args"), nullptr);
  EXPECT_EQ(web.at("generation"), Json(2));
  EXPECT_EQ(call(Method::kDelete, "/api/v1/services/web").status, 200);
  EXPECT_EQ(get("/api/v1/services/web").status, 404);
}

TEST_F(Services, AStaleETagChangesNothing) {
  const std::string old = etag();
  ASSERT_EQ(call(Method::kPatch, "/api/v1/services/web", R"({"replicas": 2})", {{{"if-match", old}}}).status,
            200);
  const std::string body = R"({"replicas": 3})";
  for (const Method method : {Method::kPut, Method::kPatch, Method::kDelete}) {
    const auto response = call(method, "/api/v1/services/web", body, {{{"if-match", old}}});
    EXPECT_EQ(response.status, 412);
    EXPECT_THAT(json(response).at("hint").as_string(), HasSubstr("again"));
  }
  EXPECT_EQ(json(get("/api/v1/services/web")).at("config").at("replicas"), Json(2));
  for (const std::string& good : {etag(), "\"zzz\", " + etag(), std::string("*")})
    EXPECT_EQ(
        call(Method::kPatch, "/api/v1/services/web", R"({"replicas": 2})", {{{"if-match", good}}}).status,
        200)
        << good;
  // A weak tag never holds for a change (RFC 9110, section 13.1.1).
  EXPECT_EQ(call(Method::kPatch, "/api/v1/services/web", body, {{{"if-match", "W/" + etag()}}}).status, 412);
}

TEST_F(Services, AConflictThatIsNoPreconditionStaysAConflict) {
  plane_.on_validate = [](const Json&) -> Status { return fail(ErrorCode::kConflict, "being changed"); };
  EXPECT_EQ(call(Method::kPatch, "/api/v1/services/web", R"({"replicas": 3})").status, 409);
}

TEST_F(Services, BadBodiesAreRefusedBeforeAnythingChanges) {
  const auto revision = plane_.config()->revision;
  for (const Method method : {Method::kPut, Method::kPatch}) {
    for (const char* body : {"", "[]", "null", "{", "\"x\"", "{\"a\":1,\"a\":2}"}) {
      const auto response = call(method, "/api/v1/services/web", body);
      EXPECT_EQ(response.status, 400) << body;
      EXPECT_THAT(json(response).at("detail").as_string(), HasSubstr("body"));
    }
    for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "application/yaml"})
      EXPECT_EQ(call(method, "/api/v1/services/web", "{}", {{{"content-type", type}}}).status, 415) << type;
  }
  EXPECT_EQ(
      call(Method::kPut, "/api/v1/services/web", "{}", {{{"content-type", "application/merge-patch+json"}}})
          .status,
      415);
  EXPECT_EQ(plane_.config()->revision, revision);
  for (const char* type :
       {"application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"})
    EXPECT_EQ(call(Method::kPatch, "/api/v1/services/web", "{}", {{{"content-type", type}}}).status, 200)
        << type;
}

TEST_F(Services, ValidationErrorsKeepPathAndOrigin) {
  plane_.on_validate = [](const Json&) -> Status {
    return fail(Error{ErrorCode::kInvalid,
                      "services.web.replicas: must be a number",
                      "",
                      true,
                      {{"services.web.replicas", "must be a number", "edits"}}});
  };
  const auto response = call(Method::kPatch, "/api/v1/services/web", R"({"replicas": "many"})");
  EXPECT_EQ(response.status, 400);
  const Json error = json(response).at("errors").items().at(0);
  EXPECT_EQ(error.at("path"), Json("services.web.replicas"));
  EXPECT_EQ(error.at("origin"), Json("edits"));
}

}  // namespace
}  // namespace holdfast::api
