// What the store makes of files that others have spoiled: each fault on a real database on a real disk.
#include <filesystem>
#include <fstream>

#include <SQLiteCpp/SQLiteCpp.h>

#include "controller/base/file.h"
#include "controller/state/store.h"
#include "tests/support/support.h"
#include "tests/unit/state/values.h"

namespace holdfast::state {
namespace {

using test::event_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StoreFaultTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() {
    auto store = Store::open(dir_.path(), clock_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  // A database in which everything has a few pages.
  void fill() {
    const auto store = open();
    store->save_intent("web", test::full_intent());
    store->save_ledger("web", test::full_ledger());
    for (int i = 0; i < 300; ++i) store->append_event(event_of("web", std::string(500, 'e')));
  }
  void sql(const std::string& statements) const {
    SQLite::Database database(file_, SQLite::OPEN_READWRITE);
    database.exec(statements);
  }
  // Overwrites bytes of the closed database.
  void spoil(std::streamoff offset, const std::string& bytes) const {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << bytes;
  }
  void expect_usable(Store& store) {
    EXPECT_FALSE(store.degraded());
    store.save_intent("db", test::full_intent());
    const auto event = store.append_event(event_of("db", "after"));
    ASSERT_TRUE(store.events({}));
    EXPECT_EQ(store.events({})->back().id, event.id);
    EXPECT_TRUE(open()->intents().contains("db"));
  }
  [[nodiscard]] std::vector<std::string> kept() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      const auto name = entry.path().filename().string();
      if (name.find(".corrupt-") != std::string::npos) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  holdfast::test::TempDir dir_;
  holdfast::test::SimClock clock_;
  const std::string file_ = dir_ / "holdfast.db";
};

TEST_F(StoreFaultTest, BeginsAnewOverAnyFileThatIsNoDatabase) {
  fill();
  const auto good = *read_file(file_);
  const std::vector<std::string> spoiled{std::string(good.size(), '\0'), std::string(5000, 'x'),
                                         std::string(512, '\0'), good.substr(0, good.size() / 2)};
  for (const auto& content : spoiled) {
    const holdfast::test::TempDir dir;
    std::ofstream(dir / "holdfast.db", std::ios::binary) << content;
    auto store = *Store::open(dir.path(), clock_);
    ASSERT_EQ(store->quarantined().size(), 1u) << content.size();
    EXPECT_THAT(store->quarantined()[0], HasSubstr(dir / "holdfast.db.corrupt-20260101T000000Z"));
    EXPECT_EQ(read_file(dir / "holdfast.db.corrupt-20260101T000000Z"), content);
    EXPECT_FALSE(store->degraded());
    store->save_intent("db", test::full_intent());
    store.reset();
    const auto again = *Store::open(dir.path(), clock_);
    EXPECT_TRUE(again->intents().contains("db"));
    EXPECT_THAT(again->quarantined(), IsEmpty());
  }
}

TEST_F(StoreFaultTest, TakesAnEmptyFileAsNew) {
  std::ofstream(file_).close();
  const auto store = open();
  EXPECT_THAT(store->quarantined(), IsEmpty());
  expect_usable(*store);
}

TEST_F(StoreFaultTest, CarriesIntentsOverWhenOnlyOtherPagesAreBad) {
  fill();
  constexpr size_t kThreePages = 12288;
  spoil(static_cast<std::streamoff>(std::filesystem::file_size(file_) - kThreePages),
        std::string(kThreePages, '\xee'));
  const auto store = open();
  EXPECT_EQ(store->intents().at("web"), test::full_intent());
  EXPECT_EQ(store->ledgers().at("web"), test::full_ledger());
  ASSERT_EQ(store->quarantined().size(), 1u);
  EXPECT_THAT(store->quarantined()[0], HasSubstr("1 intents and 1 restart ledgers"));
  EXPECT_EQ(open()->intents().at("web"), test::full_intent()) << "also on the disk";
  expect_usable(*store);
}

TEST_F(StoreFaultTest, NeverUsesAnEventIdTwiceThoughTheOldOnesAreLost) {
  fill();
  const auto last = open()->append_event(event_of("web", "x")).id;
  std::ofstream(file_, std::ios::binary) << std::string(8192, '\0');
  EXPECT_GT(open()->append_event(event_of("web", "y")).id, last);
}

TEST_F(StoreFaultTest, SetsADatabaseWithAnotherSchemaAside) {
  for (const auto* change : {"PRAGMA user_version = 7", "DROP TABLE audit",
                             "ALTER TABLE events ADD COLUMN extra", "DROP INDEX events_by_service"}) {
    const holdfast::test::TempDir dir;
    (*Store::open(dir.path(), clock_))->save_intent("web", test::full_intent());
    SQLite::Database(dir / "holdfast.db", SQLite::OPEN_READWRITE).exec(change);
    const auto store = *Store::open(dir.path(), clock_);
    EXPECT_THAT(store->quarantined(), ElementsAre(HasSubstr("was kept as"))) << change;
    EXPECT_EQ(store->intents().at("web"), test::full_intent()) << change;
    EXPECT_FALSE(store->degraded());
  }
}

TEST_F(StoreFaultTest, SetsAForeignDatabaseAside) {
  SQLite::Database(file_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE other(x)");
  const auto store = open();
  EXPECT_THAT(store->quarantined(), ElementsAre(HasSubstr("schema version 0")));
  EXPECT_EQ(kept().size(), 1u);
  expect_usable(*store);
}

TEST_F(StoreFaultTest, IgnoresUnreadableRowsAndSaysSo) {
  fill();
  sql("INSERT OR REPLACE INTO intents VALUES ('bad', 'no json'); UPDATE ledgers SET body = '[]'");
  const auto store = open();
  EXPECT_EQ(store->intents().size(), 1u);
  EXPECT_THAT(store->ledgers(), IsEmpty());
  EXPECT_THAT(store->quarantined(), ElementsAre(HasSubstr("service bad"), HasSubstr("service web")));
  expect_usable(*store);
}

TEST_F(StoreFaultTest, SetsANulFilledLogAside) {
  fill();
  std::ofstream(file_ + "-wal", std::ios::binary) << std::string(40'000, '\0');
  const auto store = open();
  EXPECT_EQ(store->intents().at("web"), test::full_intent());
  EXPECT_THAT(store->quarantined(), ElementsAre(HasSubstr("write-ahead log")));
  EXPECT_EQ(kept().size(), 1u);
  expect_usable(*store);
}

TEST_F(StoreFaultTest, DoesNotReplayALogWithoutItsDatabase) {
  {
    const auto store = open();
    store->save_intent("web", test::full_intent());
    std::filesystem::copy_file(file_ + "-wal", dir_ / "log");
  }
  std::filesystem::remove(file_);
  std::filesystem::rename(dir_ / "log", file_ + "-wal");
  const auto store = open();
  EXPECT_THAT(store->intents(), IsEmpty());
  EXPECT_THAT(store->quarantined(), ElementsAre(HasSubstr("has no database")));
  expect_usable(*store);
}

TEST_F(StoreFaultTest, WritesEverythingAnewWhenTheFileIsRemovedUnderIt) {
  fill();
  const auto store = open();
  std::filesystem::remove(file_);
  store->retry();
  EXPECT_FALSE(store->degraded());
  EXPECT_EQ(open()->intents().at("web"), test::full_intent());
  EXPECT_EQ(open()->ledgers().at("web"), test::full_ledger());
  expect_usable(*store);
}

TEST_F(StoreFaultTest, HealsADatabaseThatGoesBadUnderIt) {
  fill();
  const auto store = open();
  sql("DROP TABLE events; DROP TABLE intents");
  const auto event = store->append_event(event_of("web", "new"));
  EXPECT_FALSE(store->degraded()) << *store->degraded();
  EXPECT_THAT(store->quarantined(), ElementsAre(HasSubstr("was kept as")));
  EXPECT_EQ(open()->intents().at("web"), test::full_intent());
  EXPECT_EQ(store->events({})->back().id, event.id);
  expect_usable(*store);
}

TEST_F(StoreFaultTest, WaitsForAnotherProgramThatHoldsTheDatabase) {
  fill();
  const auto store = open();
  SQLite::Database other(file_, SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  Intent intent = test::full_intent();
  intent.restart_nonce = 99;
  store->save_intent("web", intent);
  ASSERT_TRUE(store->degraded());
  EXPECT_THAT(*store->degraded(), HasSubstr("locked"));
  const auto event = store->append_event(event_of("web", "while locked"));
  EXPECT_EQ(store->events({})->back().id, event.id) << "memory answers meanwhile";
  other.exec("ROLLBACK");
  store->retry();
  EXPECT_FALSE(store->degraded());
  EXPECT_EQ(open()->intents().at("web"), intent);
  EXPECT_EQ(open()->events({})->back().message, "while locked");
}

TEST_F(StoreFaultTest, RefusesToStartBlind) {
  std::filesystem::create_directory(file_);
  const auto store = Store::open(dir_.path(), clock_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(store.error().hint, HasSubstr("nothing is started"));
}

}  // namespace
}  // namespace holdfast::state
