// Edits in a ConfigMap: revisions, other writers, and texts that somebody has broken.
#include "runtimes/kubernetes/inside/config_map_edits.h"

#include "tests/unit/kubernetes_inside/map_world.h"

namespace holdfast::kubernetes::test {
namespace {

using ::testing::HasSubstr;

Json layer_with(const std::string& name, int replicas) {
  return Json::object({{"services", Json::object({{name, Json::object({{"replicas", replicas}})}})}});
}

class ConfigMapEditsTest : public MapWorld {
 protected:
  void open() {
    if (!map_) follow();
    store_ = std::make_unique<ConfigMapEditStore>(*map_, clock_);
  }
  Result<std::uint64_t> commit(const Json& layer) { return store_->commit(layer, {"ci", ""}, "a summary"); }
  std::string numbers() {
    std::string text;
    for (const auto& info : store_->revisions()) text += std::to_string(info.revision) + " ";
    return text;
  }

  std::unique_ptr<ConfigMapEditStore> store_;
};

TEST_F(ConfigMapEditsTest, KeepsEditsAndTheirRevisions) {
  open();
  EXPECT_EQ(store_->where(), "ConfigMap ns/config, key edits.json");
  EXPECT_EQ(store_->layer(), Json::object());
  EXPECT_EQ(store_->revision(), 0u);
  EXPECT_EQ(commit(layer_with("web", 1)), 1u);
  EXPECT_EQ(commit(layer_with("web", 2)), 2u);
  EXPECT_EQ(store_->layer(), layer_with("web", 2));
  EXPECT_EQ(kept("edits.json"), dump_json_pretty(layer_with("web", 2)));
  map_.reset();
  open();  // the next process
  EXPECT_EQ(store_->layer(), layer_with("web", 2));
  EXPECT_EQ(store_->revision(), 2u);
  EXPECT_EQ(numbers(), "2 1 ");
  EXPECT_EQ(store_->read(1), layer_with("web", 1));
  EXPECT_EQ(store_->read(0), Json::object());
  EXPECT_EQ(store_->read(7).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->revisions().front().actor, "ci");
  EXPECT_EQ(store_->revisions().front().summary, "a summary");
  EXPECT_EQ(store_->revisions().front().at, clock_.wall());
  EXPECT_TRUE(store_->quarantined().empty());
}

TEST_F(ConfigMapEditsTest, SomebodyElseWasFaster) {
  open();
  ASSERT_TRUE(commit(layer_with("web", 1)));
  ConfigMapEditStore other(*map_, clock_);
  ASSERT_TRUE(commit(layer_with("web", 2)));
  const auto late = other.commit(layer_with("web", 3), {}, "");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(late.error().terminal);
  EXPECT_EQ(other.layer(), layer_with("web", 1));
  ASSERT_TRUE(other.refresh());
  EXPECT_EQ(other.layer(), layer_with("web", 2));
  EXPECT_EQ(other.commit(layer_with("web", 3), {}, ""), 3u);
}

TEST_F(ConfigMapEditsTest, AfterAConflictTheNewestIsKnownThoughTheWatchIsLate) {
  open();
  ASSERT_TRUE(commit(layer_with("web", 1)));
  server_.settle();
  server_.set_silent(true);
  put({{"edits.json", dump_json(layer_with("web", 7))}});
  EXPECT_EQ(commit(layer_with("web", 2)).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(store_->refresh());
  EXPECT_EQ(store_->layer(), layer_with("web", 7));
}

TEST_F(ConfigMapEditsTest, OtherKeysAreNoConflict) {
  open();
  ASSERT_TRUE(commit(layer_with("web", 1)));
  server_.settle();
  server_.set_silent(true);
  put({{"edits.json", kept("edits.json")}, {"revisions.json", kept("revisions.json")}, {"x", "y"}});
  EXPECT_EQ(commit(layer_with("web", 2)), 2u);
  EXPECT_EQ(kept("x"), "y");
}

TEST_F(ConfigMapEditsTest, AnEditByHandIsInForceAndBecomesARevision) {
  open();
  ASSERT_TRUE(commit(layer_with("web", 1)));
  by_hand({{"edits.json", dump_json(layer_with("web", 5))}, {"revisions.json", kept("revisions.json")}});
  ASSERT_TRUE(store_->refresh());
  EXPECT_EQ(store_->layer(), layer_with("web", 5));
  EXPECT_EQ(store_->revision(), 1u);
  EXPECT_EQ(commit(layer_with("web", 6)), 3u);
  EXPECT_EQ(numbers(), "3 2 1 ");
  EXPECT_EQ(store_->read(2), layer_with("web", 5));
  EXPECT_EQ(store_->revisions()[1].actor, "kubectl");
  EXPECT_EQ(store_->revisions()[1].summary, "edits.json was changed by hand");
}

TEST_F(ConfigMapEditsTest, NamesWhoEditedByHand) {
  const auto entry = [](const char* manager, const char* key) {
    return Json::object({{"manager", manager},
                         {"time", "2026-02-03T04:05:06Z"},
                         {"fieldsV1", Json::object({{"f:data", Json::object({{key, Json::object()}})}})}});
  };
  auto object = Json::object();
  object.set("metadata",
             Json::object({{"name", "config"},
                           {"namespace", "ns"},
                           {"managedFields", Json::array({entry("helm", "f:a.yaml"),
                                                          entry("kubectl-edit", "f:edits.json")})}}));
  object.set("data", Json::object({{"edits.json", dump_json(layer_with("web", 5))}}));
  server_.put(kConfigMaps, object);
  open();
  ASSERT_EQ(commit(layer_with("web", 6)), 2u);
  EXPECT_EQ(store_->revisions()[1].actor, "kubectl-edit");
  EXPECT_EQ(format_rfc3339(store_->revisions()[1].at), "2026-02-03T04:05:06.000000Z");
}

TEST_F(ConfigMapEditsTest, BrokenTextChangesNothingAndIsNotWrittenOver) {
  open();
  ASSERT_TRUE(commit(layer_with("web", 1)));
  for (const auto& [edits, revisions, what] :
       {std::tuple{"{\n  \"services\": {,}", "", "ConfigMap ns/config, key edits.json: "},
        {"[]", "", "ConfigMap ns/config, key edits.json: a JSON object was expected, not array"},
        {"{}", "[{", "ConfigMap ns/config, key revisions.json: "},
        {"{}", "[{\"revision\": 1}]", "ConfigMap ns/config, key revisions.json: item 0 is not"}}) {
    by_hand({{"edits.json", edits}, {"revisions.json", revisions}});
    const auto refreshed = store_->refresh();
    ASSERT_FALSE(refreshed) << what;
    EXPECT_EQ(refreshed.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(refreshed.error().message, HasSubstr(what));
    EXPECT_EQ(store_->layer(), layer_with("web", 1));
    const auto committed = commit(layer_with("web", 2));
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code, ErrorCode::kConflict);
    EXPECT_TRUE(committed.error().terminal);
    EXPECT_THAT(committed.error().hint, HasSubstr("kubectl edit"));
    EXPECT_EQ(kept("edits.json"), edits);
  }
  by_hand({{"edits.json", dump_json(layer_with("web", 3))}});
  ASSERT_TRUE(store_->refresh());
  EXPECT_EQ(store_->layer(), layer_with("web", 3));
  EXPECT_EQ(commit(layer_with("web", 4)), 3u);  // numbers go on, though their list was removed
}

TEST_F(ConfigMapEditsTest, PlacesAreNamed) {
  by_hand({{"edits.json", "{\n  \"services\": {,}\n}"}});
  open();
  EXPECT_THAT(store_->refresh().error().message, HasSubstr("line 2, column 16"));
}

TEST_F(ConfigMapEditsTest, BrokenFromTheStartTheNewestRevisionIsInForce) {
  open();
  ASSERT_TRUE(commit(layer_with("web", 1)));
  by_hand({{"edits.json", "{"}, {"revisions.json", kept("revisions.json")}});
  map_.reset();
  open();
  EXPECT_EQ(store_->layer(), layer_with("web", 1));
  ASSERT_EQ(store_->quarantined().size(), 1u);
  EXPECT_THAT(store_->quarantined().front(), HasSubstr("in force is revision 1"));
  EXPECT_FALSE(store_->refresh());
  EXPECT_FALSE(commit(layer_with("web", 2)));
}

TEST_F(ConfigMapEditsTest, RevisionsAreBounded) {
  open();
  for (int i = 1; i <= 25; ++i) ASSERT_TRUE(commit(layer_with("web", i)));
  EXPECT_EQ(store_->revisions().size(), 20u);
  EXPECT_EQ(store_->revisions().back().revision, 6u);
  const auto large = layer_with(std::string(100u << 10, 'x'), 1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(commit(large));
    ASSERT_TRUE(commit(layer_with("web", i)));
  }
  ASSERT_TRUE(commit(large));
  EXPECT_LE(kept("revisions.json").size(), 400u << 10);
  EXPECT_EQ(numbers(), "32 31 30 29 28 27 ");
  const auto huge = commit(layer_with(std::string(500u << 10, 'x'), 1));
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store_->layer(), large);
  ASSERT_TRUE(store_->refresh());
  EXPECT_EQ(numbers(), "32 31 30 29 28 27 ");
}

TEST_F(ConfigMapEditsTest, OnAnErrorNothingHasChanged) {
  open();
  ASSERT_TRUE(commit(layer_with("web", 1)));
  server_.fail_next("update", "configmaps", {ErrorCode::kPermission, "not allowed", ""});
  EXPECT_EQ(commit(layer_with("web", 2)).error().code, ErrorCode::kPermission);
  EXPECT_EQ(store_->layer(), layer_with("web", 1));
  EXPECT_EQ(commit(layer_with("web", 2)), 2u);
}

}  // namespace
}  // namespace holdfast::kubernetes::test
