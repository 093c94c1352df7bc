// The informer's copy, against a server in memory.
#include "runtimes/kubernetes/informer/informer.h"

#include "tests/fakes/fake_kube_client.h"
#include "tests/support/support.h"

namespace holdfast::kubernetes {
namespace {

using std::chrono::milliseconds;
using test::wait_until;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Json pod(const std::string& name, const std::string& phase = "Pending", const std::string& app = "web") {
  return Json::object({{"metadata", Json::object({{"name", name},
                                                  {"namespace", "default"},
                                                  {"labels", Json::object({{"app", app}})},
                                                  {"managedFields", "much"}})},
                       {"status", Json::object({{"phase", phase}})}});
}

class InformerTest : public ::testing::Test {
 protected:
  void start(Duration watch_time = std::chrono::minutes{5}) {
    informer_ = make_informer(server_, clock_,
                              {.resource = kPods,
                               .selection = {.label_selector = "app=web"},
                               .trim = [](Json& object) { object.find("metadata")->erase("managedFields"); },
                               .watch_time = watch_time,
                               .retry_initial = milliseconds{1},
                               .retry_max = milliseconds{4}},
                              {.on_change =
                                   [this](const ObjectPtr& before, const ObjectPtr& after) {
                                     const std::lock_guard lock(mutex_);
                                     told_.push_back(text(before) + ">" + text(after));
                                   },
                               .on_state = [this] { ++states_; }});
  }
  bool in_step() {
    return wait_until([this] { return informer_->synced() && server_.open_watches() == 1; });
  }
  static std::string text(const ObjectPtr& object) {
    return object ? object->at("metadata").at("name").as_string() + ":" +
                        object->at("status").at("phase").as_string()
                  : "";
  }
  bool hears(size_t count) {
    return wait_until([&] {
      const std::lock_guard lock(mutex_);
      return told_.size() >= count;
    });
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return std::exchange(told_, {});
  }

  SystemClock clock_;
  test::FakeKube server_;
  std::mutex mutex_;
  std::vector<std::string> told_;
  std::atomic<int> states_{0};
  std::unique_ptr<Informer> informer_;  // ends first
};

TEST_F(InformerTest, KeepsWhatIsThereAndWhatChanges) {
  server_.put(kPods, pod("a"));
  server_.put(kPods, pod("x", "Pending", "other"));
  start();
  ASSERT_TRUE(in_step());
  ASSERT_TRUE(hears(1));
  EXPECT_THAT(told(), ElementsAre(">a:Pending"));
  server_.put(kPods, pod("a", "Running"));
  server_.put(kPods, pod("b"));
  server_.erase(kPods, "default", "a");
  server_.put(kPods, pod("b", "Pending", "other"));  // leaves the selection
  ASSERT_TRUE(hears(4));
  EXPECT_THAT(told(), ElementsAre("a:Pending>a:Running", ">b:Pending", "a:Running>", "b:Pending>"));
  EXPECT_EQ(informer_->size(), 0u);
  server_.put(kPods, pod("c"));
  ASSERT_TRUE(hears(1));
  const auto kept = informer_->get("default", "c");
  ASSERT_TRUE(kept);
  EXPECT_FALSE(kept->at("metadata").find("managedFields"));
  EXPECT_EQ(informer_->all(), std::vector<ObjectPtr>{kept});
  EXPECT_FALSE(informer_->get("default", "a"));
  EXPECT_EQ(informer_->stats().lists, 1u);
  EXPECT_EQ(informer_->stats().events, 5u);
}

TEST_F(InformerTest, GoesOnWhereAWatchEnded) {
  start();
  ASSERT_TRUE(in_step());
  server_.put(kPods, pod("a"));
  ASSERT_TRUE(hears(1));
  server_.end_watches();
  server_.put(kPods, pod("b"));
  ASSERT_TRUE(hears(2));
  ASSERT_TRUE(in_step());
  EXPECT_THAT(told(), ElementsAre(">a:Pending", ">b:Pending"));
  EXPECT_EQ(informer_->stats().lists, 1u);
  EXPECT_GE(informer_->stats().watches, 2u);
}

TEST_F(InformerTest, BookmarksKeepTheVersionFresh) {
  server_.put(kPods, pod("a"));
  start();
  ASSERT_TRUE(in_step());
  server_.put(kConfigMaps, pod("unrelated"));
  server_.bookmark();
  server_.settle();
  server_.compact();  // without the bookmark the version would be too old now
  server_.end_watches();
  ASSERT_TRUE(wait_until([&] { return informer_->stats().watches >= 2; }));
  ASSERT_TRUE(in_step());
  EXPECT_EQ(informer_->stats().lists, 1u);
}

TEST_F(InformerTest, ListsAnewAndTellsTheDifference) {
  server_.put(kPods, pod("stays"));
  server_.put(kPods, pod("goes"));
  server_.put(kPods, pod("changes"));
  server_.put(kPods, pod("again"));
  start();
  ASSERT_TRUE(in_step());
  ASSERT_TRUE(hears(4));
  told();
  server_.set_silent(true);
  server_.erase(kPods, "default", "goes");
  server_.put(kPods, pod("changes", "Running"));
  server_.erase(kPods, "default", "again");
  server_.put(kPods, pod("again"));  // another one of that name
  server_.put(kPods, pod("new"));
  server_.compact();
  server_.set_silent(false);
  server_.end_watches();
  ASSERT_TRUE(hears(5));
  ASSERT_TRUE(in_step());
  EXPECT_THAT(told(), ::testing::UnorderedElementsAre("goes:Pending>", "changes:Pending>changes:Running",
                                                      "again:Pending>", ">again:Pending", ">new:Pending"));
  EXPECT_EQ(informer_->stats().lists, 2u);
}

TEST_F(InformerTest, AnInterruptedListTellsNothingTwice) {
  for (const auto* name : {"a", "b", "c", "d"}) server_.put(kPods, pod(name));
  server_.interrupt_next_list();
  start();
  ASSERT_TRUE(in_step());
  ASSERT_TRUE(hears(4));
  EXPECT_EQ(told().size(), 4u);
}

TEST_F(InformerTest, KeepsItsCopyWhileNobodyAnswers) {
  server_.put(kPods, pod("a"));
  start();
  ASSERT_TRUE(in_step());
  server_.set_unreachable(true);
  ASSERT_TRUE(wait_until([&] { return !informer_->synced(); }));
  ASSERT_TRUE(informer_->error());
  EXPECT_EQ(informer_->error()->code, ErrorCode::kUnavailable);
  EXPECT_EQ(informer_->size(), 1u);
  server_.put(kPods, pod("a", "Running"));
  server_.set_unreachable(false);
  ASSERT_TRUE(in_step());
  EXPECT_FALSE(informer_->error());
  ASSERT_TRUE(hears(2));
  EXPECT_THAT(told(), ElementsAre(">a:Pending", "a:Pending>a:Running"));
  EXPECT_GE(states_, 3);
}

TEST_F(InformerTest, TriesAgainWhenListsFail) {
  server_.fail_next("list", "pods", {ErrorCode::kUnavailable, "no", {}}, 3);
  start();
  ASSERT_TRUE(in_step());
  EXPECT_EQ(informer_->stats().lists, 4u);
  server_.fail_next("watch", "pods", {ErrorCode::kUnavailable, "no", {}}, 2);
  server_.end_watches();
  ASSERT_TRUE(wait_until([&] { return informer_->stats().watches >= 4; }));
  ASSERT_TRUE(in_step());
}

TEST_F(InformerTest, ReplacesAWatchThatTellsNothing) {
  start(milliseconds{1});
  ASSERT_TRUE(in_step());
  server_.set_silent(true);
  server_.put(kPods, pod("a"));
  server_.settle();
  server_.set_silent(false);
  ASSERT_TRUE(hears(1));  // by the watch after it
  EXPECT_GE(informer_->stats().stalls, 1u);
  EXPECT_EQ(informer_->stats().lists, 1u);
}

TEST_F(InformerTest, ABarrenServerIsNotAskedAllTheTime) {
  server_.set_barren(true);
  start();
  ASSERT_TRUE(wait_until([&] { return informer_->stats().lists >= 3; }));
  server_.set_barren(false);
  server_.put(kPods, pod("a"));
  ASSERT_TRUE(hears(1));
}

TEST_F(InformerTest, EndsAtOnceInTheMiddleOfAList) {
  server_.hold_lists(true);
  start();
  ASSERT_TRUE(wait_until([&] { return server_.count("list pods") == 1; }));
  informer_.reset();
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(InformerTest, EndsWhileEventsCome) {
  for (int round = 0; round < 20; ++round) {
    start();
    std::jthread others([&] {
      for (int i = 0; i < 50; ++i) server_.put(kPods, pod("a", std::to_string(round * 50 + i)));
    });
    EXPECT_TRUE(round % 2 != 0 || in_step());
    informer_.reset();
  }
}

}  // namespace
}  // namespace holdfast::kubernetes
