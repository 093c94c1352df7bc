// The description that the real controller hands out, held against the real controller:
// tests/integration/openapi does so in depth over a control plane in memory; this finds what was described
// but not wired, and what only real services answer.
#include "tests/e2e/harness/controller.h"
#include "tests/e2e/harness/lines.h"
#include "tests/integration/openapi/check/description.h"

namespace holdfast::test {
namespace {

std::string config(const std::string& queue) {
  return "apiVersion: holdfast/v1\nstreaming: {service: converter}\nservices:\n"
         "  web: {command: [" +
         line_service() +
         "], labels: {team: x}, env: {A: b}, "
         "health: {readiness: {exec: {command: [\"true\"]}, interval: 100ms}, liveness: {heartbeat: {within: "
         "1h}}}}\n"
         "  crashing: {command: [\"false\"], restart: {budget: {attempts: 1}, backoff: {base: 1ms}}}\n"
         "  done: {command: [\"true\"], restart: {policy: on-failure}}\n"
         "  held: {command: [sleep, \"1000\"], dependsOn: {crashing: healthy}}\n"
         "  missing: {command: [no-such-program]}\n"
         "  elsewhere: {command: [x], runtime: docker, docker: {image: x}}\n"
         "  gone: {command: [sleep, \"1000\"]}\n"
         "  converter: {command: [sleep, \"1000\"], parameters: {max_workers: 4}, collectors: "
         "{queue: {sqlite: {path: " +
         queue + ", query: \"SELECT 1\"}}}}\n";
}

class OpenapiOfTheController : public testing::Test {
 protected:
  void SetUp() override {
    controller_.write_config(config(controller_.dir() / "no-queue.sqlite3"));
    controller_.start();
    description_.emplace(controller_.get("/openapi.json").json);
    ASSERT_FALSE(description_->operations().empty());
    for (const auto& [name, phase] : std::map<std::string, std::string>{
             {"web", "Running"}, {"crashing", "Failed"}, {"done", "Completed"}}) {
      ASSERT_TRUE(controller_.wait_service(
          name, [&phase](const Json& service) { return service.at("phase").as_string() == phase; }));
    }
  }
  Answer ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    const auto answer = controller_.request(method, path, body);
    auto type = answer.headers.contains("content-type") ? answer.headers.at("content-type") : "";
    type = type.substr(0, type.find(';'));
    for (const auto& fault :
         description_->faults(method, path.substr(0, path.find('?')), {answer.status, type, answer.text}))
      ADD_FAILURE() << method << " " << path << ": " << fault << "\n" << answer.text.substr(0, 1000);
    return answer;
  }

  Controller controller_{""};
  std::optional<Description> description_;
};

// What makes sense as a request to an operation that wants more than its path.
struct Request {
  std::string service = "web", query, body;
};
const std::map<std::string, Request>& requests() {
  static const std::map<std::string, Request> all = {
      {"PUT /api/v1/services/{name}", {"web", "", R"({"command": ["sleep", "1000"]})"}},
      {"PATCH /api/v1/services/{name}", {"web", "", R"({"labels": {"a": "b"}})"}},
      {"DELETE /api/v1/services/{name}", {"gone", "", ""}},
      {"POST /api/v1/services/{name}/start", {"web", "?wait=30s", ""}},
      {"POST /api/v1/services/{name}/stop", {"web", "?wait=30s", ""}},
      {"POST /api/v1/services/{name}/restart", {"web", "?wait=30s", ""}},
      {"GET /api/v1/config/explain", {"", "?path=services.web.labels", ""}},
      {"PATCH /api/v1/config", {"", "", R"({"services": {"web": {"labels": {"c": "d"}}}})"}},
      {"POST /api/v1/config/rollback", {"", "", R"({"revision": 0})"}},
      {"POST /api/v1/plan", {"", "", R"({"services": {"web": {"command": ["sleep", "5"]}}})"}},
      {"POST /api/streaming/config", {"", "", R"({"max_workers": 2})"}},
  };
  return all;
}

TEST_F(OpenapiOfTheController, EveryOperationIsThereAndAnswersAsDescribed) {
  // Readers first, while there is the most to read; what takes services away last.
  const std::vector<std::string> order = {"GET", "POST", "PATCH", "PUT", "DELETE"};
  size_t asked = 0;
  for (const auto& method : order) {
    for (const auto& operation : description_->operations()) {
      if (operation.method != method) continue;
      const auto known = requests().find(method + " " + operation.path);
      const auto request = known == requests().end() ? Request{} : known->second;
      auto path = operation.path;
      if (const auto name = path.find("{name}"); name != std::string::npos)
        path.replace(name, 6, request.service);
      ASSERT_EQ(path.find('{'), std::string::npos) << path << " has a parameter that this test doesn't know";
      const auto answer = ask(method, path + request.query, request.body);
      EXPECT_TRUE(answer.status >= 200 && answer.status < 300) << method << " " << path << " " << answer.text;
      ++asked;
    }
  }
  EXPECT_EQ(asked, description_->operations().size());
}

TEST_F(OpenapiOfTheController, ServicesInEveryPlightAreDescribed) {
  for (const auto* name : {"web", "crashing", "done", "held", "missing", "elsewhere", "converter"}) {
    for (const auto* below : {"", "/instances", "/events"})
      EXPECT_EQ(ask("GET", "/api/v1/services/" + std::string(name) + below).status, 200);
    ask("GET", "/api/v1/services/" + std::string(name) + "/logs?tail=3");
    ask("POST", "/api/v1/services/" + std::string(name) + "/start?wait=10ms");
    ask("POST", "/api/v1/services/" + std::string(name) + "/restart");
  }
  for (const auto* target :
       {"/api/v1/services/nope", "/api/v1/services/nope/logs", "/api/v1/config/explain?path=nope"})
    EXPECT_EQ(ask("GET", target).status, 404);
  EXPECT_EQ(ask("PATCH", "/api/v1/services/web", R"({"replicas": "many"})").status, 400);
  EXPECT_EQ(ask("PUT", "/api/v1/services/web", R"({"command": ["no-such-program"]})").status, 400);
  EXPECT_EQ(ask("POST", "/api/v1/config/rollback", R"({"revision": 99})").status, 404);
  EXPECT_EQ(ask("POST", "/api/streaming/config", R"({"max_workers": 99})").status, 422);
  EXPECT_EQ(ask("POST", "/api/streaming/stop").status, 200);
  EXPECT_EQ(ask("GET", "/api/streaming/status").status, 200);
  EXPECT_EQ(ask("GET", "/api/streaming/metrics").status, 200);
  controller_.write_config("services: {web: {comand: [x]}}\n");
  EXPECT_TRUE(
      wait_until([&] { return !controller_.get("/api/v1/config").json.at("problems").items().empty(); }));
  for (const auto* target :
       {"/api/v1/config", "/api/v1/config/layers", "/readyz", "/api/v1/events?limit=100"})
    EXPECT_EQ(ask("GET", target).status, 200);
}

}  // namespace
}  // namespace holdfast::test
