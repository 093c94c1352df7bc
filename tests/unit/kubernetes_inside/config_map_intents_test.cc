// Intents in a ConfigMap.
#include "runtimes/kubernetes/inside/config_map_intents.h"

#include "tests/unit/kubernetes_inside/map_world.h"

namespace holdfast::kubernetes::test {
namespace {

using ::testing::HasSubstr;

class ConfigMapIntentsTest : public MapWorld {
 protected:
  static Intent stopped(std::uint64_t nonce = 0) {
    Intent intent;
    intent.desired = Desired::kStopped;
    intent.restart_nonce = nonce;
    intent.actor = "ci";
    intent.at = WallTime{std::chrono::seconds{1767225600}};
    return intent;
  }
};

TEST_F(ConfigMapIntentsTest, AreThereForAll) {
  follow();
  ConfigMapIntents mine(*map_);
  EXPECT_TRUE(mine.view().intents.empty());
  auto restarted = stopped(7);
  restarted.desired.reset();
  restarted.configured = Desired::kStopped;
  ASSERT_TRUE(mine.save("web", stopped(), {{"web", {}}}));
  ASSERT_TRUE(mine.save("db", restarted, {{"web", {}}, {"db", {}}}));
  SharedConfigMap elsewhere(way_, clock_, "ns", "config");
  ASSERT_TRUE(elsewhere.wait_synced(std::chrono::minutes{1}));
  const auto view = ConfigMapIntents(elsewhere).view();
  EXPECT_FALSE(view.problem);
  EXPECT_EQ(view.intents, (ConfigMapIntents::Intents{{"web", stopped()}, {"db", restarted}}));
}

TEST_F(ConfigMapIntentsTest, OthersEntriesStayThoughTheWatchIsLate) {
  follow();
  ConfigMapIntents mine(*map_);
  ASSERT_TRUE(mine.save("web", stopped(), {{"web", {}}}));
  server_.settle();
  server_.set_silent(true);
  SharedConfigMap elsewhere(way_, clock_, "ns", "config");
  ASSERT_TRUE(elsewhere.wait_synced(std::chrono::minutes{1}));
  ASSERT_TRUE(ConfigMapIntents(elsewhere).save("db", stopped(3), {{"web", {}}, {"db", {}}, {"gone", {}}}));
  ASSERT_TRUE(mine.save("web", stopped(9), {{"web", {}}, {"db", {}}}));
  EXPECT_EQ(mine.view().intents, (ConfigMapIntents::Intents{{"web", stopped(9)}, {"db", stopped(3)}}));
}

TEST_F(ConfigMapIntentsTest, ThoseOfServicesThatAreGoneAreDropped) {
  follow();
  ConfigMapIntents mine(*map_);
  ASSERT_TRUE(mine.save("old", stopped(), {{"old", {}}}));
  ASSERT_TRUE(mine.save("web", stopped(), {}));
  EXPECT_EQ(mine.view().intents.size(), 1u);
  EXPECT_TRUE(mine.view().intents.contains("web"));
}

TEST_F(ConfigMapIntentsTest, BrokenTextLeavesTheLastGoodAndIsNotWrittenOver) {
  follow();
  ConfigMapIntents mine(*map_);
  ASSERT_TRUE(mine.save("web", stopped(), {{"web", {}}}));
  (void)mine.view();
  for (const char* text : {"{", "[]", "{\"web\": {\"desired\": \"paused\"}}",
                           "{\"web\": {\"configured\": \"running\", \"restartNonce\": -1}}"}) {
    by_hand({{"intents.json", text}});
    const auto view = mine.view();
    ASSERT_TRUE(view.problem) << text;
    EXPECT_THAT(view.problem->message, HasSubstr("ConfigMap ns/config, key intents.json: "));
    EXPECT_EQ(view.intents.size(), 1u);
    const auto saved = mine.save("web", stopped(), {{"web", {}}});
    ASSERT_FALSE(saved);
    EXPECT_TRUE(saved.error().terminal);
    EXPECT_EQ(kept("intents.json"), text);
  }
  by_hand({});
  EXPECT_FALSE(mine.view().problem);
  EXPECT_TRUE(mine.view().intents.empty());
}

}  // namespace
}  // namespace holdfast::kubernetes::test
