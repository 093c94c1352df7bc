// Two controllers that share their services: one acts, both tell.
#include "controller/reconciler/manager.h"
#include "runtimes/fake/fake_runtime.h"
#include "tests/support/support.h"

namespace holdfast::reconciler {
namespace {

using namespace std::chrono_literals;

class FakeLeadership final : public Leadership {
 public:
  [[nodiscard]] bool leads() const override { return leads_; }
  [[nodiscard]] Leader leader() const override { return {leads_ ? "me" : other_, "http://leader"}; }
  void on_change(std::function<void()> sink) override { sink_ = std::move(sink); }
  void set(bool leads, const std::string& other = "another") {
    leads_ = leads;
    other_ = other;
    sink_();
  }

 private:
  std::atomic<bool> leads_ = false;
  std::string other_ = "another";
  std::function<void()> sink_;
};

class FakeSharedIntents final : public SharedIntents {
 public:
  Status save(const std::string& service, const Intent& intent,
              const std::map<std::string, Intent>& keep) override {
    if (fails) return fail(ErrorCode::kUnavailable, "the API server can't be reached");
    saved = keep;
    saved[service] = intent;
    return {};
  }
  bool fails = false;
  std::map<std::string, Intent> saved;
};

class LeadershipTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = state::Store::open(dir_.path(), clock_);
    auto edits = state::EditStore::open(dir_.path(), clock_);
    ASSERT_TRUE(store && edits);
    manager_ = std::make_unique<Manager>(Manager::Parts{.loop = loop_,
                                                        .clock = clock_,
                                                        .store = std::move(*store),
                                                        .edits = std::move(*edits),
                                                        .runtimes = {runtime_},
                                                        .leadership = &leadership_,
                                                        .shared_intents = &intents_},
                                         ManagerOptions{.state_dir = dir_.path()});
    EXPECT_THAT(
        manager_->reload({{"base", "/c.yaml",
                           "apiVersion: holdfast/v1\nservices: {web: {command: [web]}, api: {command: "
                           "[api]}}\n"}}),
        testing::IsEmpty());
  }
  void work() {
    for (int i = 0; i < 1000 && manager_->work_one(); ++i) {
    }
  }
  size_t alive(const std::string& service) { return runtime_->observe(service)->instances.size(); }

  test::TempDir dir_;
  test::SimClock clock_;
  EventLoop loop_;
  std::shared_ptr<fake::FakeRuntime> runtime_ = std::make_shared<fake::FakeRuntime>(clock_);
  FakeLeadership leadership_;
  FakeSharedIntents intents_;
  std::unique_ptr<Manager> manager_;
};

TEST_F(LeadershipTest, AFollowerTellsAndDoesNothing) {
  work();
  EXPECT_EQ(alive("web"), 0u);
  ASSERT_TRUE(manager_->service("web"));
  EXPECT_EQ(manager_->service("web")->phase, "Starting");
  EXPECT_FALSE(manager_->service("web")->settled);
}

TEST_F(LeadershipTest, ANewLeaderActsOnEverythingAtOnce) {
  work();
  leadership_.set(true);
  work();
  EXPECT_EQ(alive("web"), 1u);
  EXPECT_EQ(alive("api"), 1u);
}

TEST_F(LeadershipTest, ALostLeaderDoesNothingMore) {
  leadership_.set(true);
  work();
  leadership_.set(false);
  ASSERT_TRUE(runtime_->crash({"web", 0}));
  manager_->resync();
  work();
  EXPECT_EQ(runtime_->observe("web")->instances.at(0).phase, Phase::kExited);
  EXPECT_EQ(manager_->service("web")->last_exit->signal, 9) << "what happened is told all the same";
  leadership_.set(true);
  work();
  EXPECT_EQ(runtime_->observe("web")->instances.back().phase, Phase::kRunning);
}

TEST_F(LeadershipTest, ServicesThatAreNoLongerDeclaredStayUntilSomebodyLeads) {
  leadership_.set(true);
  work();
  leadership_.set(false);
  EXPECT_THAT(manager_->reload({{"base", "/c.yaml", "services: {api: {command: [api]}}\n"}}),
              testing::IsEmpty());
  work();
  EXPECT_EQ(alive("web"), 1u);
  EXPECT_EQ(manager_->service("web")->phase, "Removing");
  leadership_.set(true);
  work();
  clock_.advance(1min);
  manager_->resync();
  work();
  EXPECT_EQ(alive("web"), 0u);
}

TEST_F(LeadershipTest, ReadinessTellsWhoLeads) {
  manager_->start(1);
  EXPECT_EQ(manager_->ready().checks.at("leadership"), "ok");
  EXPECT_EQ(manager_->ready().leader, "another");
  EXPECT_TRUE(manager_->ready().ready);
  leadership_.set(false, "");
  EXPECT_FALSE(manager_->ready().ready);
  EXPECT_EQ(manager_->ready().checks.at("leadership"), "no controller leads");
  leadership_.set(true);
  EXPECT_EQ(manager_->ready().checks.at("leadership"), "ok");
  manager_->stop();
}

TEST_F(LeadershipTest, WhatAnOperatorAsksForIsSharedBeforeItCounts) {
  leadership_.set(true);
  work();
  intents_.fails = true;
  EXPECT_EQ(manager_->command("web", Verb::kStop, {"ann", ""}).error().code, ErrorCode::kUnavailable);
  work();
  EXPECT_EQ(manager_->service("web")->desired, Desired::kRunning);
  intents_.fails = false;
  EXPECT_TRUE(manager_->command("web", Verb::kStop, {"ann", ""})->changed);
  EXPECT_EQ(intents_.saved.at("web").desired, Desired::kStopped);
  EXPECT_EQ(intents_.saved.at("web").actor, "ann");
  work();
  EXPECT_EQ(manager_->service("web")->desired, Desired::kStopped);
}

TEST_F(LeadershipTest, WhatWasAskedOfAnotherControllerCounts) {
  leadership_.set(true);
  work();
  Intent stop;
  stop.desired = Desired::kStopped;
  manager_->adopt_intents({{"web", stop}, {"not-declared-yet", stop}});
  work();
  EXPECT_EQ(manager_->service("web")->desired, Desired::kStopped);
  EXPECT_THAT(manager_->reload({{"base", "/c.yaml",
                                 "services: {web: {command: [web]}, not-declared-yet: {command: [x]}}\n"}}),
              testing::IsEmpty());
  work();
  EXPECT_EQ(manager_->service("not-declared-yet")->desired, Desired::kStopped);
}

}  // namespace
}  // namespace holdfast::reconciler
