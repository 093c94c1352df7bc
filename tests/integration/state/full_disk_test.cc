// A full disk degrades, loses nothing that memory can hold, and is over by itself.
#include <filesystem>

#include "controller/base/file.h"
#include "controller/state/edits.h"
#include "controller/state/state_lock.h"
#include "controller/state/store.h"
#include "tests/integration/state/small_disk.h"
#include "tests/support/support.h"
#include "tests/unit/state/values.h"

namespace holdfast::state {
namespace {

using test::event_of;
using test::SmallDisk;
using ::testing::HasSubstr;

class FullDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() {
    auto store = Store::open(disk_.path(), clock_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  // Appends until the disk takes no more; returns the last event.
  Event append_until_degraded(Store& store) {
    disk_.fill();
    Event event;
    for (int i = 0; i < 5000 && !store.degraded(); ++i)
      event = store.append_event(event_of("web", std::string(1000, 'e')));
    EXPECT_TRUE(store.degraded());
    return event;
  }
  bool recovers(Store& store) {
    disk_.free();
    store.retry();
    return !store.degraded();
  }
  static Intent nonce(std::uint64_t value) {
    auto intent = test::full_intent();
    intent.restart_nonce = value;
    return intent;
  }

  SmallDisk disk_{"size=4m"};
  holdfast::test::SimClock clock_;
};

TEST_F(FullDiskTest, GoesOnInMemoryAndCatchesUp) {
  auto store = open();
  store->save_intent("web", nonce(1));
  const auto first_missing = append_until_degraded(*store);
  EXPECT_THAT(*store->degraded(), HasSubstr("free some space"));
  store->save_intent("web", nonce(2));
  store->save_intent("db", nonce(3));
  store->save_ledger("web", test::full_ledger());
  store->forget_service("db");
  const auto last = store->append_event(event_of("web", "last"));
  store->append_audit(test::audit_of("alice"));
  EXPECT_TRUE(store->degraded());
  EXPECT_EQ(store->intents().at("web"), nonce(2));
  EXPECT_EQ(store->events({})->back().message, "last");
  EXPECT_EQ(store->audit(1)->back().actor, "alice");

  ASSERT_TRUE(recovers(*store)) << *store->degraded();
  store.reset();
  store = open();
  EXPECT_EQ(store->intents(), (std::map<std::string, Intent>{{"web", nonce(2)}}));
  EXPECT_EQ(store->ledgers().at("web"), test::full_ledger());
  const auto events = *store->events({.service = {}, .after = first_missing.id - 1, .limit = 100});
  EXPECT_EQ(events.front().id, first_missing.id);
  EXPECT_EQ(events.back().id, last.id);
  EXPECT_EQ(store->audit(1)->back().actor, "alice");
}

TEST_F(FullDiskTest, CatchesUpWithTheNextWriteOnceThePauseIsOver) {
  const auto store = open();
  append_until_degraded(*store);
  disk_.free();
  clock_.advance(std::chrono::seconds(2));
  store->append_event(event_of("web", "next"));
  EXPECT_FALSE(store->degraded());
}

TEST_F(FullDiskTest, AlwaysTriesForAnIntent) {
  const auto store = open();
  append_until_degraded(*store);
  disk_.free();
  store->save_intent("web", nonce(5));
  EXPECT_FALSE(store->degraded());
}

TEST_F(FullDiskTest, HoldsABoundedNumberOfEvents) {
  const auto store = open();
  append_until_degraded(*store);
  std::uint64_t last = 0;
  for (int i = 0; i < 12'000; ++i) last = store->append_event(event_of("web", "x")).id;
  const auto events = *store->events({.service = {}, .after = 0, .limit = 50'000});
  EXPECT_EQ(events.back().id, last);
  disk_.free();
  clock_.advance(std::chrono::seconds(2));
  store->retry();
  EXPECT_EQ(store->events({})->back().id, last);
}

TEST_F(FullDiskTest, StartsOnAFullDiskAndKnowsThePast) {
  {
    const auto store = open();
    store->save_intent("web", nonce(1));
    store->save_ledger("web", test::full_ledger());
  }
  disk_.fill();
  auto store = open();
  EXPECT_EQ(store->intents().at("web"), nonce(1));
  EXPECT_EQ(store->ledgers().at("web"), test::full_ledger());
  EXPECT_THAT(store->quarantined(), ::testing::IsEmpty());
  store->save_intent("web", nonce(2));
  ASSERT_TRUE(recovers(*store)) << *store->degraded();
  store.reset();
  EXPECT_EQ(open()->intents().at("web"), nonce(2));
}

TEST_F(FullDiskTest, StartsEmptyOnAFullDisk) {
  disk_.fill();
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->degraded());
  const auto event = store->append_event(event_of("web", "first"));
  EXPECT_EQ(store->events({})->back().id, event.id);
  ASSERT_TRUE(recovers(*store)) << *store->degraded();
  store.reset();
  EXPECT_EQ(open()->events({})->back().message, "first");
}

TEST_F(FullDiskTest, LosesNoEditAndWritesNone) {
  const auto edits = *EditStore::open(disk_.path(), clock_);
  const auto first = Json::object({{"a", 1}});
  ASSERT_TRUE(edits->commit(first, {}, "a"));
  disk_.fill();
  const auto revision = edits->commit(Json::object({{"a", std::string(10'000, 'x')}}), {}, "a");
  ASSERT_FALSE(revision);
  EXPECT_THAT(revision.error().hint, HasSubstr("nothing was changed"));
  EXPECT_EQ(edits->layer(), first);
  EXPECT_EQ(*parse_json(*read_file(disk_.path() + "/edits.json")), first);
  disk_.free();
  EXPECT_EQ(edits->commit(Json::object({{"a", 2}}), {}, "a"), 2u);
}

TEST_F(FullDiskTest, StillLocks) {
  disk_.fill();
  const auto lock = StateLock::acquire(disk_.path());
  ASSERT_TRUE(lock) << lock.error().message;
  EXPECT_EQ(StateLock::acquire(disk_.path()).error().code, ErrorCode::kConflict);
}

TEST_F(FullDiskTest, DegradesWhenTheDiskTurnsReadOnly) {
  disk_.make_read_only(true);
  const auto refused = Store::open(disk_.path(), clock_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
  EXPECT_THAT(refused.error().hint, HasSubstr("--state-dir"));
  disk_.make_read_only(false);
  EXPECT_FALSE(open()->degraded());
}

}  // namespace
}  // namespace holdfast::state
