// A ConfigMap that several write.
#include "runtimes/kubernetes/inside/config_map.h"

#include "tests/unit/kubernetes_inside/map_world.h"

namespace holdfast::kubernetes::test {
namespace {

using ::testing::HasSubstr;

class SharedConfigMapTest : public MapWorld {};

TEST_F(SharedConfigMapTest, IsEmptyWhereThereIsNoneAndIsMadeByTheFirstEdit) {
  follow();
  EXPECT_EQ(map_->data()->resource_version, "");
  EXPECT_TRUE(values().empty());
  const auto written = map_->edit(set_a);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ((*written)->values.at("a"), "+");
  EXPECT_EQ(values().at("a"), "+");
  EXPECT_EQ(kept("a"), "+");
}

TEST_F(SharedConfigMapTest, SeesWhatOthersChangeAndTells) {
  by_hand({{"a", "1"}});
  follow();
  EXPECT_EQ(values().at("a"), "1");
  const int before = told_;
  by_hand({{"a", "2"}});
  EXPECT_EQ(values().at("a"), "2");
  EXPECT_TRUE(wait_until([&] { return told_ == before + 1; }));
  server_.erase(kConfigMaps, "ns", "config");
  EXPECT_TRUE(wait_until([&] { return values().empty(); }));
  EXPECT_TRUE(wait_until([&] { return told_ == before + 2; }));
}

TEST_F(SharedConfigMapTest, ReadsItsOwnWritesThoughTheWatchIsLate) {
  by_hand({{"a", "1"}});
  follow();
  server_.set_silent(true);
  ASSERT_TRUE(map_->edit(set_a));
  EXPECT_EQ(values().at("a"), "1+");
  ASSERT_TRUE(map_->edit(set_a));
  EXPECT_EQ(values().at("a"), "1++");
  EXPECT_EQ(writes(), 2u);  // the second was no conflict
}

TEST_F(SharedConfigMapTest, AWatchThatIsBehindDoesNotTakeItBack) {
  by_hand({{"a", "1"}});
  follow();
  server_.hold_lists(true);
  server_.end_watches(Error{ErrorCode::kUnavailable, "gone", {}}, 410);
  put({{"a", "other"}});
  ASSERT_TRUE(map_->edit([](Values& values) -> Status {
    values["a"] = "mine";
    return {};
  }));
  server_.hold_lists(false);
  by_hand({{"a", "last"}});
  EXPECT_EQ(values().at("a"), "last");
}

TEST_F(SharedConfigMapTest, AsksAgainOnTheNewestWhenSomebodyWasFaster) {
  by_hand({{"a", "1"}});
  follow();
  server_.set_silent(true);
  put({{"a", "2"}, {"b", "x"}});
  const int before = told_;
  const auto written = map_->edit(set_a);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(kept("a"), "2+");
  EXPECT_EQ(kept("b"), "x");
  EXPECT_EQ(told_, before + 1);  // what the other wrote was news
}

TEST_F(SharedConfigMapTest, GivesUpAfterSoManyAttemptsWithTheNewest) {
  by_hand({{"a", "1"}});
  follow();
  int n = 10;
  way_.before = [&] { put({{"a", std::to_string(++n)}}); };
  const auto written = map_->edit(set_a, 3);
  way_.before = {};
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(written.error().terminal);
  EXPECT_THAT(written.error().message, HasSubstr("ConfigMap ns/config"));
  EXPECT_EQ(server_.count("update"), 3u);
  EXPECT_EQ(values().at("a"), std::to_string(n));
}

TEST_F(SharedConfigMapTest, TwoThatMakeItAtOnceBothSucceed) {
  follow();
  bool first = true;
  way_.before = [&] {
    if (std::exchange(first, false)) put({{"b", "theirs"}});
  };
  ASSERT_TRUE(map_->edit(set_a));
  EXPECT_EQ(kept("a"), "+");
  EXPECT_EQ(kept("b"), "theirs");
}

TEST_F(SharedConfigMapTest, IsMadeAnewWhenItWasDeletedMeanwhile) {
  by_hand({{"a", "1"}});
  follow();
  server_.set_silent(true);
  server_.erase(kConfigMaps, "ns", "config");
  ASSERT_TRUE(map_->edit(set_a));
  EXPECT_EQ(kept("a"), "+");
}

TEST_F(SharedConfigMapTest, NothingIsWrittenForNothing) {
  by_hand({{"a", "1"}});
  follow();
  ASSERT_TRUE(map_->edit([](Values&) -> Status { return {}; }));
  const auto refused = map_->edit([](Values&) -> Status { return fail(ErrorCode::kInvalid, "no"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "no");
  const auto large = map_->edit([](Values& values) -> Status {
    values["b"] = std::string(1u << 20, 'x');
    return {};
  });
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(large.error().terminal);
  EXPECT_THAT(large.error().message, HasSubstr("1048577 bytes"));
  EXPECT_EQ(writes(), 0u);
}

TEST_F(SharedConfigMapTest, KeepsWhatIsNotItsOwn) {
  auto object = Json::object();
  object.set(
      "metadata",
      Json::object({{"name", "config"}, {"namespace", "ns"}, {"labels", Json::object({{"team", "x"}})}}));
  object.set("binaryData", Json::object({{"logo.yaml", "AAAA"}}));
  server_.put(kConfigMaps, object);
  follow();
  EXPECT_THAT(map_->data()->problem, HasSubstr("logo.yaml"));
  EXPECT_TRUE(map_->layers().empty());
  ASSERT_TRUE(map_->edit(set_a));
  const auto now = **server_.get(kConfigMaps, "ns", "config");
  EXPECT_EQ(now.at("binaryData").at("logo.yaml"), Json("AAAA"));
  EXPECT_EQ(now.at("metadata").at("labels").at("team"), Json("x"));
}

TEST_F(SharedConfigMapTest, LayersAreTheTextsOfConfigurationInOrder) {
  by_hand({{"b.yaml", "2"},
           {"a.json", "1"},
           {"c.yml", "3"},
           {"README", ""},
           {"edits.json", "{}"},
           {"revisions.json", "[]"},
           {"intents.json", "{}"}});
  follow();
  std::string text;
  for (const auto& layer : map_->layers()) text += layer.key + "=" + layer.text + " ";
  EXPECT_EQ(text, "a.json=1 b.yaml=2 c.yml=3 ");
}

TEST_F(SharedConfigMapTest, TellsWhyItCannotBeRead) {
  server_.fail_next("list", "configmaps",
                    {ErrorCode::kPermission, "not allowed to list configmaps", "a rule"}, 1000);
  SharedConfigMap map(way_, clock_, "ns", "config");
  ASSERT_TRUE(wait_until([&] { return map.error().has_value(); }));
  const auto synced = map.wait_synced(Duration{1});
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code, ErrorCode::kPermission);
  EXPECT_EQ(synced.error().message, "cannot read ConfigMap ns/config: not allowed to list configmaps");
  FakeKube slow_server;
  slow_server.hold_lists(true);
  SharedConfigMap slow(slow_server, clock_, "ns", "config");
  EXPECT_EQ(slow.wait_synced(Duration{1}).error().code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace holdfast::kubernetes::test
