#include <array>
#include <map>
#include <set>

#include <openssl/evp.h>

#include "api/auth/authenticator.h"
#include "api/auth/token_file.h"
#include "api/docs/embedded.h"
#include "api/v1/routes.h"
#include "tests/integration/openapi/check/schema.h"
#include "tests/integration/openapi/fixture.h"

namespace holdfast::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kServices = R"({"streaming": {"service": "streaming"}, "services": {
    "web": {"command": ["web"], "env": {"A": "1"}, "dependsOn": {"db": "started"}, "labels": {"team": "x"}},
    "db": {"command": ["db"]},
    "streaming": {"command": ["converter"], "parameters": {"max_workers": 4}}}})";

class Openapi : public OpenapiTest {
 protected:
  void SetUp() override {
    plane_.set_base(*parse_json(kServices));
    plane_.set_logs("web", "a line\n");
    Event event;
    event.service = "web";
    event.ordinal = 0;
    event.incarnation = 1;
    event.type = "Exited";
    event.message = "exit code 1";
    event.cause = "crash";
    event.exit = ExitRecord{1, std::nullopt, false, false, "exit code 1", clock_.wall()};
    plane_.add_event(event);
    plane_.add_event({});
    serve();
  }

  void read_services();
  void change_services();
  void act_on_services();
  void configure();
  void ask_the_controller();
  void use_the_facade();
};

std::string template_of(const std::string& route_path) {
  std::string path;
  bool in_parameter = false;
  for (const char c : route_path) {
    if (c == '/' && in_parameter) path += '}';
    in_parameter = c == ':' || (in_parameter && c != '/');
    path += c == ':' ? '{' : c;
  }
  return in_parameter ? path + '}' : path;
}

TEST_F(Openapi, EveryRouteIsDescribedWithItsRoleAndNoOther) {
  std::map<std::string, std::string> served, described;
  for (const auto& route : routes_)
    served[std::string(http::to_string(route.method)) + " " + template_of(route.path)] =
        http::to_string(route.role);
  for (const auto& operation : description_.operations())
    described[operation.method + " " + operation.path] = operation.role;
  for (const auto& [route, role] : served) EXPECT_EQ(described[route], role) << route;
  for (const auto& [operation, role] : described) EXPECT_EQ(served[operation], role) << operation;
}

void Openapi::read_services() {
  for (const char* target :
       {"/api/v1/services", "/api/v1/services/web", "/api/v1/services/web/instances",
        "/api/v1/services/web/logs?tail=1", "/api/v1/services/web/events", "/api/v1/events"})
    expect(200, "GET", target);
  for (const char* below : {"", "/instances", "/logs", "/events"})
    expect(404, "GET", "/api/v1/services/nope" + std::string(below));
  for (const char* target : {"/api/v1/services?watch=x", "/api/v1/services/web/logs?tail=x",
                             "/api/v1/services/web/events?limit=x", "/api/v1/events?since=x"})
    expect(400, "GET", target);
  expect(503, "GET", "/api/v1/services/db/logs");
  // A status with everything in it that can be.
  plane_.change_service("web", [this](ServiceStatus& status) {
    status.last_exit = ExitRecord{std::nullopt, 9, true, false, "killed", clock_.wall()};
    status.last_error = Error{ErrorCode::kUnavailable, "no socket", "start it", false, {}};
    status.last_heartbeat = clock_.wall();
    status.restarts = 1;
    status.restarts_by_cause = {{"oom", 1}};
    status.collected["queue"] = {{{"pending", 4}}, "locked", clock_.wall()};
    status.instances.front().observed.exit = status.last_exit;
  });
  expect(200, "GET", "/api/v1/services/web");
  expect(200, "GET", "/api/v1/services");
}

void Openapi::change_services() {
  const std::string path = "/api/v1/services/new";
  expect(201, "PUT", path, R"({"command": ["a"]})");
  expect(200, "PUT", path, R"({"command": ["b"]})");
  expect(200, "PATCH", path, R"({"replicas": 2})", {"Content-Type: application/merge-patch+json"});
  for (const char* method : {"PUT", "PATCH", "DELETE"})
    expect(412, method, path, R"({"command": ["c"]})", {"If-Match: \"stale\""});
  for (const char* method : {"PUT", "PATCH"}) {
    expect(400, method, path, "[]");
    expect(415, method, path, "a: 1", {"Content-Type: application/yaml"});
  }
  for (const ErrorCode code : {ErrorCode::kConflict, ErrorCode::kInvalid}) {
    plane_.on_validate = [code](const Json&) -> Status {
      return fail(Error{code, "refused", "change it", true, {{"services.new", "is wrong", "edits"}}});
    };
    for (const char* method : {"PUT", "PATCH", "DELETE"})
      expect(code == ErrorCode::kConflict ? 409 : 400, method, path, R"({"command": ["c"]})");
  }
  plane_.on_validate = nullptr;
  expect(200, "DELETE", path);
  expect(404, "DELETE", path);
  expect(404, "PATCH", path, "{}");
}

void Openapi::act_on_services() {
  for (const char* verb : {"stop", "start", "restart"}) {
    const std::string path = "/api/v1/services/web/" + std::string(verb);
    expect(202, "POST", path);
    expect(200, "POST", path + "?wait=10s");
    expect(400, "POST", path + "?wait=soon");
    expect(404, "POST", "/api/v1/services/nope/" + std::string(verb));
    plane_.on_command = [](const std::string&, Verb, const Actor&) {
      return std::optional<Result<VerbResult>>(fail(ErrorCode::kConflict, "not now"));
    };
    expect(409, "POST", path);
    plane_.on_command = nullptr;
  }
  plane_.change_service("web", [](ServiceStatus& status) {
    status.phase = "Failed";
    status.ready = false;
  });
  expect(200, "POST", "/api/v1/services/web/start?wait=10s");  // settled, but not as wanted
  expect(200, "POST", "/api/v1/services/web/heartbeat");
  expect(404, "POST", "/api/v1/services/nope/heartbeat");
}

void Openapi::configure() {
  expect(200, "GET", "/api/v1/config");
  expect(200, "PATCH", "/api/v1/config", R"({"services": {"db": {"replicas": 2}}})");
  expect(400, "PATCH", "/api/v1/config", "{");
  expect(412, "PATCH", "/api/v1/config", "{}", {"If-Match: \"stale\""});
  expect(415, "PATCH", "/api/v1/config", "x", {"Content-Type: text/plain"});
  expect(200, "GET", "/api/v1/config/layers");
  expect(200, "GET", "/api/v1/config/revisions");
  for (const char* path :
       {"", "?path=services.db", "?path=services.db.replicas", "?path=services.db.command.0"})
    expect(200, "GET", "/api/v1/config/explain" + std::string(path));
  expect(404, "GET", "/api/v1/config/explain?path=nope");
  expect(400, "GET", "/api/v1/config/explain?path=" + std::string(1001, 'a'));
  const std::string rollback = "/api/v1/config/rollback";
  expect(400, "POST", rollback, "{}");
  expect(404, "POST", rollback, R"({"revision": 999})");
  expect(412, "POST", rollback, R"({"revision": 0})", {"If-Match: \"stale\""});
  expect(415, "POST", rollback, "0", {"Content-Type: text/plain"});
  plane_.on_validate = [](const Json&) -> Status { return fail(ErrorCode::kConflict, "refused"); };
  expect(409, "POST", rollback, R"({"revision": 0})");
  expect(409, "PATCH", "/api/v1/config", R"({"services": {"db": {"replicas": 3}}})");
  plane_.on_validate = nullptr;
  expect(200, "POST", rollback, R"({"revision": 0})");
  expect(200, "POST", "/api/v1/plan", R"({"services": {"db": {"command": ["other"]}, "x": {}}})");
  expect(400, "POST", "/api/v1/plan?merge=maybe", "{}");
  expect(415, "POST", "/api/v1/plan", "x", {"Content-Type: text/plain"});
}

void Openapi::ask_the_controller() {
  for (const char* target :
       {"/api/v1/runtimes", "/api/v1/version", "/livez", "/readyz", "/openapi.json", "/docs"})
    expect(200, "GET", target);
  plane_.set_ready({false, {{"state", "the disk is full"}}});
  expect(503, "GET", "/readyz");
}

void Openapi::use_the_facade() {
  for (const char* name : {"status", "health", "config", "metrics"})
    expect(200, "GET", "/api/streaming/" + std::string(name));
  for (const char* name : {"start", "stop", "stop", "start", "restart"})
    expect(200, "POST", "/api/streaming/" + std::string(name));
  for (const char* name : {"config", "start", "restart"})
    expect(422, "POST", "/api/streaming/" + std::string(name), R"({"max_workers": 99})");
  expect(200, "POST", "/api/streaming/config", R"({"max_workers": 2})");
  plane_.change_service("streaming", [this](ServiceStatus& status) {
    status.collected["queue"] = {{{"pending", 4}}, "locked", clock_.wall()};
  });
  expect(200, "GET", "/api/streaming/metrics");
  expect(200, "POST", "/api/streaming/stop");
  expect(200, "GET", "/api/streaming/status");
}

TEST_F(Openapi, EveryOperationAnswersAsDescribedWithEveryStatusItNames) {
  read_services();
  change_services();
  configure();
  use_the_facade();
  act_on_services();
  ask_the_controller();
  std::vector<std::string> never;
  for (const auto& status : description_.declared())
    if (!description_.seen().contains(status)) never.push_back(status);
  EXPECT_THAT(never, IsEmpty()) << "declared, but no request led to it";
}

TEST_F(Openapi, StreamsCarryServicesAndEventsAsDescribed) {
  const size_t before = plane_.subscriptions();  // the facade's
  const std::string text = stream("/api/v1/events", "event: snapshot-end");
  const std::string id = text.substr(text.rfind("id: "));
  plane_.add_event({});
  const std::string more =
      stream("/api/v1/events", "event: event", {"Last-Event-ID: " + id.substr(4, id.find('\n') - 4)});
  EXPECT_THAT(more, Not(HasSubstr("snapshot-end")));
  EXPECT_THAT(stream("/api/v1/services?watch", "event: snapshot-end"), HasSubstr("event: service\n"));
  // The data of a message is what the list of the same things holds.
  const auto schema_of_items = [this](const std::string& path) {
    return description_.find("GET", path)
        ->responses.at("200")
        .at("content")
        .at("application/json")
        .at("schema")
        .at("properties")
        .at("items")
        .at("items");
  };
  const auto data_after = [](const std::string& stream_text, const std::string& event) {
    const size_t begin = stream_text.find("event: " + event + "\ndata: ") + 14 + event.size();
    return parse_json(stream_text.substr(begin, stream_text.find('\n', begin) - begin)).value();
  };
  EXPECT_THAT(schema_faults(schema_of_items("/api/v1/services"), data_after(text, "service")), IsEmpty());
  EXPECT_THAT(schema_faults(schema_of_items("/api/v1/events"), data_after(more, "event")), IsEmpty());
  EXPECT_TRUE(wait_until([&] { return plane_.subscriptions() == before; }))
      << "a client that left is still told";
}

TEST_F(Openapi, TheJudgeSeesWhatIsWrong) {
  const std::string good = get("/api/v1/services/web").body;
  const auto faults = [this](const std::string& method, const std::string& path, int status,
                             const std::string& type, const std::string& body) {
    return description_.faults(method, path, {status, type, body});
  };
  const std::string json = "application/json", web = "/api/v1/services/web";
  EXPECT_THAT(faults("GET", web, 200, json, good), IsEmpty());
  Json changed = *parse_json(good);
  changed.set("surprise", 1);
  EXPECT_THAT(faults("GET", web, 200, json, dump_json(changed)), Not(IsEmpty()));
  changed = *parse_json(good);
  changed.erase("phase");
  EXPECT_THAT(faults("GET", web, 200, json, dump_json(changed)), Not(IsEmpty()));
  changed = *parse_json(good);
  changed.set("phase", "Dancing");
  EXPECT_THAT(faults("GET", web, 200, json, dump_json(changed)), Not(IsEmpty()));
  EXPECT_THAT(faults("GET", web, 200, json, "{"), Not(IsEmpty()));
  EXPECT_THAT(faults("GET", web, 200, "text/plain", good), Not(IsEmpty()));
  EXPECT_THAT(faults("GET", web, 204, json, good), Not(IsEmpty()));
  EXPECT_THAT(faults("GET", web, 409, "application/problem+json",
                     R"({"type": "about:blank", "title": "x", "status": 409, "detail": "x"})"),
              Not(IsEmpty()));
  EXPECT_THAT(faults("GET", "/api/v1/nope", 200, json, "{}"), Not(IsEmpty()));
}

TEST_F(Openapi, ThePageRunsItsOwnScriptAndNothingElse) {
  const HttpAnswer page = get("/docs");
  const auto hash_of = [&page](const std::string& tag) {
    const size_t begin = page.body.find("<" + tag + ">") + tag.size() + 2;
    const std::string text = page.body.substr(begin, page.body.find("</" + tag + ">") - begin);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
    std::array<unsigned char, size_t{2} * EVP_MAX_MD_SIZE> base64{};
    EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(length));
    return "'sha256-" + std::string(reinterpret_cast<const char*>(base64.data())) + "'";
  };
  const std::string& policy = page.headers.at("content-security-policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("script-src " + hash_of("script") + ";"));
  EXPECT_THAT(policy, HasSubstr("style-src " + hash_of("style") + ";"));
  EXPECT_THAT(page.body, Not(HasSubstr("http://")));
  EXPECT_THAT(page.body, Not(HasSubstr("https://")));
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  const HttpAnswer again = send({"GET", url("/docs"), {}, {"If-None-Match: " + page.headers.at("etag")}});
  EXPECT_EQ(again.status, 304);
}

class OpenapiWithTokens : public OpenapiTest {
 protected:
  void SetUp() override {
    plane_.set_base(*parse_json(kServices));
    const std::string path = dir_ / "tokens";
    for (const auto role : {http::Role::kViewer, http::Role::kOperator, http::Role::kAdmin})
      tokens_[role] = auth::create_token(path, std::string(http::to_string(role)), role, clock_).value();
    http::Options options;
    options.authenticate = auth::bearer_authenticator(auth::TokenFile::open(path).value(), clock_);
    options.audit = [this](const http::Request& request, const http::Response& response) {
      plane_.audit(api::audit_record(request, response, clock_.wall()));
    };
    serve(std::move(options));
  }
  int status_as(const http::Route& route, std::optional<http::Role> role) {
    std::string path = route.path;
    if (const size_t name = path.find(":name"); name != std::string::npos) path.replace(name, 5, "nope");
    std::vector<std::string> headers;
    if (role) headers.push_back("Authorization: Bearer " + tokens_.at(*role));
    return call(std::string(http::to_string(route.method)), path, {}, headers).status;
  }
  std::map<http::Role, std::string> tokens_;
};

TEST_F(OpenapiWithTokens, EachRoleMayDoWhatIsItsOwnAndNoMore) {
  for (const auto& route : routes_) {
    for (const auto role : {http::Role::kViewer, http::Role::kOperator, http::Role::kAdmin}) {
      const int status = status_as(route, role);
      if (role >= route.role) {
        EXPECT_TRUE(status != 401 && status != 403) << route.path << " " << status;
      } else {
        EXPECT_EQ(status, 403) << route.path;
      }
    }
    const int anonymous = status_as(route, std::nullopt);
    if (route.role == http::Role::kNone) {
      EXPECT_EQ(anonymous, 200) << route.path;
    } else {
      EXPECT_EQ(anonymous, 401) << route.path;
    }
  }
}

TEST_F(OpenapiWithTokens, AWrongTokenIsTurnedAwayAndManyAreSlowedDown) {
  int last = 0;
  for (int i = 0; i < 100 && last != 429; ++i)
    last = get("/api/v1/version", {"Authorization: Bearer hf_1_2"}).status;
  EXPECT_EQ(last, 429);
  EXPECT_EQ(get("/api/v1/version", {"Authorization: Bearer " + tokens_[http::Role::kViewer]}).status, 200);
}

TEST_F(OpenapiWithTokens, EveryChangeAndRefusalIsAudited) {
  const std::string token = "Authorization: Bearer " + tokens_[http::Role::kOperator];
  call("POST", "/api/v1/services/web/stop?wait=5s", {}, {token});
  call("DELETE", "/api/v1/services/web", {}, {token});
  call("GET", "/api/v1/services/web", {}, {token});
  ASSERT_TRUE(wait_until([this] { return plane_.audited().size() >= 2; }));
  std::vector<std::string> lines;
  for (const auto& record : plane_.audited())
    lines.push_back(record.actor + " " + record.action + " " + record.target + " " +
                    std::to_string(record.status));
  EXPECT_THAT(lines, ElementsAre("operator POST /api/v1/services/web/stop web 200",
                                 "operator DELETE /api/v1/services/web web 403"));
  EXPECT_THAT(plane_.audited()[0].from, HasSubstr("127.0.0.1:"));
  EXPECT_THAT(plane_.audited()[1].result, HasSubstr("role"));
}

}  // namespace
}  // namespace holdfast::test
