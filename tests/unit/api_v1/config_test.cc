#include "api/v1/config_path.h"
#include "tests/unit/api_v1/fixture.h"

namespace holdfast::api {
namespace {

using http::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Config : public ApiTest {
 protected:
  void SetUp() override {
    plane_.set_base(*parse_json(R"({"services": {"web": {"command": ["web", "-v"], "replicas": 1,
                                                          "labels": {"app.kubernetes.io/name": "w"}}}})"));
  }
  http::Response patch(const std::string& body, const Call& options = {}) {
    return call(Method::kPatch, "/api/v1/config", body, options);
  }
};

TEST_F(Config, IsShownWithRevisionAndETag) {
  const auto response = get("/api/v1/config");
  EXPECT_EQ(response.status, 200);
  const Json body = json(response);
  EXPECT_EQ(body.at("revision"), Json(0));
  EXPECT_EQ(header(response, "ETag"), "\"" + body.at("etag").as_string() + "\"");
  EXPECT_EQ(body.at("config").at("services").at("web").at("replicas"), Json(1));
  EXPECT_TRUE(body.at("problems").is_array());
}

TEST_F(Config, PatchMakesARevisionAndRollbackUndoesIt) {
  EXPECT_EQ(json(patch(R"({"services": {"web": {"replicas": 2}}})")).at("revision"), Json(1));
  EXPECT_EQ(json(patch(R"({"services": {"web": {"replicas": 3}}})")).at("revision"), Json(2));
  const Json revisions = json(get("/api/v1/config/revisions"));
  ASSERT_THAT(revisions.at("items").items(), SizeIs(2));
  EXPECT_EQ(revisions.at("items").items()[0].at("revision"), Json(2));
  EXPECT_EQ(revisions.at("items").items()[0].at("actor"), Json("tester"));
  const auto back = post("/api/v1/config/rollback", R"({"revision": 1})");
  EXPECT_EQ(back.status, 200);
  EXPECT_EQ(json(back).at("revision"), Json(3));
  EXPECT_EQ(json(get("/api/v1/config")).at("config").at("services").at("web").at("replicas"), Json(2));
  EXPECT_EQ(post("/api/v1/config/rollback", R"({"revision": 99})").status, 404);
  for (const char* bad :
       {"", "{}", "[]", R"({"revision": -1})", R"({"revision": "1"})", R"({"revision": 1.5})"})
    EXPECT_EQ(post("/api/v1/config/rollback", bad).status, 400) << bad;
  EXPECT_EQ(post("/api/v1/config/rollback", "revision=1", {{{"content-type", "text/plain"}}}).status, 415);
  EXPECT_EQ(plane_.config()->revision, 3u);
}

TEST_F(Config, StaleETagsAreRefusedEverywhere) {
  const Call stale{{{"if-match", header(get("/api/v1/config"), "ETag")}}};
  ASSERT_EQ(patch(R"({"services": {"web": {"replicas": 2}}})", stale).status, 200);
  EXPECT_EQ(patch(R"({"services": {"web": {"replicas": 3}}})", stale).status, 412);
  EXPECT_EQ(post("/api/v1/config/rollback", R"({"revision": 0})", stale).status, 412);
  EXPECT_EQ(plane_.config()->revision, 1u);
}

TEST_F(Config, PatchTakesObjectsOnly) {
  for (const char* bad : {"", "[]", "null", "3", "{\"a\":"}) EXPECT_EQ(patch(bad).status, 400) << bad;
  EXPECT_EQ(patch("{}", {{{"content-type", "application/x-www-form-urlencoded"}}}).status, 415);
}

TEST_F(Config, LayersAreShownLowToHigh) {
  patch(R"({"services": {"web": {"replicas": 2}}})");
  const auto items = json(get("/api/v1/config/layers")).at("items").items();
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(items[0].at("name"), Json("base"));
  EXPECT_EQ(items[1].at("document"), *parse_json(R"({"services": {"web": {"replicas": 2}}})"));
}

TEST_F(Config, ExplainNamesTheLayerThatWon) {
  patch(R"({"services": {"web": {"replicas": 2}}})");
  const Json body = json(get("/api/v1/config/explain?path=services.web.replicas"));
  EXPECT_EQ(body.at("value"), Json(2));
  EXPECT_EQ(body.at("pointer"), Json("/services/web/replicas"));
  ASSERT_THAT(body.at("leaves").items(), SizeIs(1));
  EXPECT_EQ(body.at("leaves").items()[0].at("origin").at("layer"), Json("edits"));
  ASSERT_THAT(body.at("layers").items(), SizeIs(2));
  EXPECT_EQ(body.at("layers").items()[0].at("value"), Json(1));
  EXPECT_EQ(body.at("layers").items()[1].at("value"), Json(2));
}

TEST_F(Config, ExplainTakesPartsOfTheDocumentAndOddKeys) {
  EXPECT_THAT(json(get("/api/v1/config/explain?path=services.web")).at("leaves").items(), SizeIs(3));
  EXPECT_THAT(json(get("/api/v1/config/explain")).at("leaves").items(), SizeIs(3));
  for (const char* path :
       {"services.web.labels.app.kubernetes.io/name", "/services/web/labels/app.kubernetes.io~1name"})
    EXPECT_EQ(json(get("/api/v1/config/explain?path=" + std::string(path))).at("value"), Json("w")) << path;
  // An item of a list came from where the list came from.
  const Json item = json(get("/api/v1/config/explain?path=services.web.command.1"));
  EXPECT_EQ(item.at("value"), Json("-v"));
  ASSERT_THAT(item.at("leaves").items(), SizeIs(1));
  EXPECT_EQ(item.at("leaves").items()[0].at("path"), Json("services.web.command"));
  for (const char* path : {"services.nope", "services.web.", ".", "services.web.command.2", "/nope",
                           "services.web.replicas.x"}) {
    const auto response = get("/api/v1/config/explain?path=" + std::string(path));
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_THAT(json(response).at("detail").as_string(), HasSubstr(path));
  }
  EXPECT_EQ(get("/api/v1/config/explain?path=" + std::string(1001, '.')).status, 400);
}

TEST_F(Config, PlanTellsChangesAndDoesNothing) {
  const std::string document = R"({"services": {"new": {"command": ["n"]}}})";
  const Json body = json(post("/api/v1/plan", document));
  EXPECT_EQ(body.at("changed"), Json(true));
  std::vector<std::string> changes;
  for (const auto& item : body.at("items").items())
    changes.push_back(item.at("service").as_string() + " " + item.at("change").as_string());
  EXPECT_THAT(changes, ElementsAre("new create", "web delete"));
  EXPECT_THAT(json(post("/api/v1/plan?merge=true", document)).at("items").items(), SizeIs(2));
  EXPECT_EQ(json(post("/api/v1/plan?merge", "{}")).at("changed"), Json(false));
  EXPECT_EQ(post("/api/v1/plan?merge=maybe", "{}").status, 400);
  EXPECT_EQ(post("/api/v1/plan", "services:").status, 400);
  EXPECT_EQ(post("/api/v1/plan", "{}", {{{"content-type", "application/yaml"}}}).status, 415);
  plane_.on_validate = [](const Json&) -> Status { return fail(ErrorCode::kInvalid, "no"); };
  EXPECT_EQ(post("/api/v1/plan", "{}").status, 400);
  EXPECT_EQ(plane_.config()->revision, 0u);
}

TEST(ConfigPath, PointersAndKeysAreInverse) {
  const Keys keys{"a/b", "~", "", "c.d", "~1"};
  EXPECT_EQ(to_pointer(keys), "/a~1b/~0//c.d/~01");
  EXPECT_EQ(from_pointer(to_pointer(keys)), keys);
  EXPECT_EQ(from_pointer(""), Keys{});
}

}  // namespace
}  // namespace holdfast::api
