#include "controller/state/store.h"

#include <fstream>
#include <set>
#include <thread>

#include <sys/stat.h>

#include "tests/support/support.h"
#include "tests/unit/state/values.h"

namespace holdfast::state {
namespace {

using holdfast::test::SimClock;
using holdfast::test::TempDir;
using test::event_of;

class StoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open(Retention retention = {}) {
    auto store = Store::open(dir_.path() + "/state", clock_, retention);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  static std::vector<std::string> messages(const Store& store, const EventQuery& query) {
    std::vector<std::string> texts;
    const auto events = store.events(query);
    EXPECT_TRUE(events) << events.error().message;
    for (const auto& event : *events) texts.push_back(event.message);
    return texts;
  }

  TempDir dir_;
  SimClock clock_;
};

using Texts = std::vector<std::string>;

TEST_F(StoreTest, BeginsEmptyAndHealthyInANewDirectory) {
  const auto store = open();
  EXPECT_TRUE(store->intents().empty());
  EXPECT_TRUE(store->ledgers().empty());
  EXPECT_TRUE(store->events({})->empty());
  EXPECT_FALSE(store->degraded());
  EXPECT_TRUE(store->quarantined().empty());
}

TEST_F(StoreTest, KeepsIntentsAndLedgersAcrossRestarts) {
  {
    const auto store = open();
    store->save_intent("web", test::full_intent());
    store->save_intent("db", Intent{});
    store->save_ledger("web", test::full_ledger());
    store->save_intent("gone", test::full_intent());
    store->save_ledger("gone", test::full_ledger());
    store->forget_service("gone");
  }
  const auto store = open();
  EXPECT_EQ(store->intents(),
            (std::map<std::string, Intent>{{"db", Intent{}}, {"web", test::full_intent()}}));
  EXPECT_EQ(store->ledgers(), (std::map<std::string, RestartLedger>{{"web", test::full_ledger()}}));
}

TEST_F(StoreTest, DropsMonotonicTimesOfAnotherBoot) {
  auto ledger = test::full_ledger();
  ledger.boot = "another-boot";
  open()->save_ledger("web", ledger);
  auto expected = test::full_ledger();
  expected.ordinals[0].next_start.reset();
  expected.ordinals[0].recent_restarts.clear();
  expected.ordinals[0].stop_since.reset();
  expected.ordinals[0].killed_at.reset();
  EXPECT_EQ(open()->ledgers().at("web"), expected);
}

TEST_F(StoreTest, NumbersEventsUpwardAcrossRestarts) {
  std::uint64_t last = 0;
  for (int run = 0; run < 3; ++run) {
    const auto store = open();
    for (int i = 0; i < 3; ++i) {
      const auto event = store->append_event(event_of("web", "x"));
      EXPECT_EQ(event.id, last + 1);
      last = event.id;
    }
  }
  EXPECT_EQ(last, 9u);
}

TEST_F(StoreTest, GivesEventsATimeUnlessTheyHaveOne) {
  const auto store = open();
  EXPECT_EQ(store->append_event(event_of("web", "x")).at, clock_.wall());
  auto event = event_of("web", "y");
  event.at = WallTime{std::chrono::seconds{5}};
  EXPECT_EQ(store->append_event(event).at, event.at);
  EXPECT_EQ(store->events({})->back().at, event.at);
}

TEST_F(StoreTest, AnswersQueriesByServiceIdAndLimit) {
  const auto store = open();
  for (int i = 1; i <= 6; ++i) store->append_event(event_of(i % 2 ? "odd" : "even", std::to_string(i)));
  store->append_event(event_of("", "controller"));
  EXPECT_EQ(messages(*store, {}), (Texts{"1", "2", "3", "4", "5", "6", "controller"}));
  EXPECT_EQ(messages(*store, {.service = "odd", .after = 0, .limit = 200}), (Texts{"1", "3", "5"}));
  EXPECT_EQ(messages(*store, {.service = "odd", .after = 1, .limit = 200}), (Texts{"3", "5"}));
  EXPECT_EQ(messages(*store, {.service = "odd", .after = 0, .limit = 2}), (Texts{"3", "5"}));
  EXPECT_EQ(messages(*store, {.service = std::nullopt, .after = 5, .limit = 200}),
            (Texts{"6", "controller"}));
  EXPECT_EQ(messages(*store, {.service = "", .after = 0, .limit = 200}), (Texts{"controller"}));
  EXPECT_EQ(messages(*store, {.service = "none", .after = 0, .limit = 200}), Texts{});
  EXPECT_EQ(messages(*store, {.service = std::nullopt, .after = ~std::uint64_t{0}, .limit = 200}), Texts{});
  EXPECT_EQ(messages(*store, {.service = std::nullopt, .after = 0, .limit = 0}), Texts{});
  EXPECT_EQ(store->events({})->front().service, "odd");
}

TEST_F(StoreTest, KeepsTheNewestEventsAndAuditRecords) {
  const auto store = open({.max_events = 50, .max_audit = 20});
  for (int i = 1; i <= 1000; ++i) {
    store->append_event(event_of("web", std::to_string(i)));
    store->append_audit(test::audit_of(std::to_string(i)));
  }
  const auto events = *store->events({.service = {}, .after = 0, .limit = 5000});
  EXPECT_GE(events.size(), 50u);
  EXPECT_LT(events.size(), 50u + 64u);
  EXPECT_EQ(events.back().message, "1000");
  const auto audit = *store->audit(5000);
  EXPECT_GE(audit.size(), 20u);
  EXPECT_LT(audit.size(), 20u + 64u);
  EXPECT_EQ(audit.back().actor, "1000");
  EXPECT_EQ(store->audit(2)->front().actor, "999");
}

TEST_F(StoreTest, KeepsTheDatabaseFromOtherUsers) {
  const auto store = open();
  store->append_event(event_of("web", "x"));
  for (const auto* name : {"/state/holdfast.db", "/state/holdfast.db-wal"}) {
    struct stat info{};
    ASSERT_EQ(stat((dir_.path() + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0077u, 0u) << name;
  }
}

TEST_F(StoreTest, MovesTheLogIntoTheDatabaseInTheBackground) {
  const auto store = open();
  const auto database_size = [&] {
    struct stat info{};
    return stat((dir_ / "state/holdfast.db").c_str(), &info) == 0 ? info.st_size : 0;
  };
  const auto before = database_size();
  const std::string text(2000, 'x');
  ASSERT_TRUE(holdfast::test::wait_until([&] {
    store->append_event(event_of("web", text));
    return database_size() > before;
  }));
  EXPECT_FALSE(store->degraded());
}

TEST_F(StoreTest, TakesCallsFromManyThreads) {
  const auto store = open();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        const auto name = "s" + std::to_string(t);
        for (int i = 0; i < 100; ++i) {
          store->append_event(event_of(name, std::to_string(i)));
          Intent intent;
          intent.restart_nonce = static_cast<std::uint64_t>(i);
          store->save_intent(name, intent);
          EXPECT_TRUE(store->events({.service = name, .after = 0, .limit = 10}));
          EXPECT_FALSE(store->degraded());
        }
      });
    }
  }
  std::set<std::uint64_t> ids;
  const auto events = store->events({.service = {}, .after = 0, .limit = 1000});
  for (const auto& event : events.value()) ids.insert(event.id);
  EXPECT_EQ(ids.size(), 400u);
  EXPECT_EQ(store->intents().at("s3").restart_nonce, 99u);
}

TEST_F(StoreTest, SaysWhatToDoAboutAnUnusableDirectory) {
  std::ofstream(dir_ / "file") << "x";
  const auto store = Store::open(dir_ / "file/state", clock_);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, ::testing::HasSubstr(dir_ / "file"));
  EXPECT_THAT(store.error().hint, ::testing::HasSubstr("--state-dir"));
}

}  // namespace
}  // namespace holdfast::state
