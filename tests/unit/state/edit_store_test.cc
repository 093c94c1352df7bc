#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "controller/base/file.h"
#include "controller/state/edits.h"
#include "tests/support/support.h"

namespace holdfast::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EditStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<EditStore> open(size_t keep = 100) {
    auto store = EditStore::open(dir_.path(), clock_, keep);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  static Json layer(int replicas) {
    return Json::object({{"services", Json::object({{"web", Json::object({{"replicas", replicas}})}})}});
  }
  static std::uint64_t commit(EditStore& store, int replicas) {
    const auto revision =
        store.commit(layer(replicas), {.name = "alice", .from = {}}, "services.web.replicas");
    EXPECT_TRUE(revision) << revision.error().message;
    return revision.value_or(0);
  }
  // Commits layer(1) .. layer(count).
  void commit_many(int count) {
    const auto store = open();
    for (int i = 1; i <= count; ++i) commit(*store, i);
  }
  [[nodiscard]] std::string revision_file(int number) const {
    return dir_ / ("edits.d/000" + std::to_string(number) + ".json");
  }
  void write(const std::string& path, const std::string& text) const { std::ofstream(path) << text; }
  [[nodiscard]] size_t files_like(const std::string& part) const {
    size_t n = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(dir_.path()))
      n += file.path().filename().string().find(part) != std::string::npos;
    return n;
  }
  static std::vector<std::uint64_t> numbers(const EditStore& store) {
    std::vector<std::uint64_t> list;
    for (const auto& info : store.revisions()) list.push_back(info.revision);
    return list;
  }

  holdfast::test::TempDir dir_;
  holdfast::test::SimClock clock_;
};

TEST_F(EditStoreTest, BeginsWithoutEdits) {
  const auto store = open();
  EXPECT_EQ(store->layer(), Json::object());
  EXPECT_EQ(store->revision(), 0u);
  EXPECT_THAT(store->revisions(), IsEmpty());
  EXPECT_EQ(store->read(0), Json::object());
  EXPECT_EQ(store->read(1).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(store->quarantined(), IsEmpty());
}

TEST_F(EditStoreTest, KeepsRevisionsAcrossRestarts) {
  commit_many(3);
  const auto store = open();
  EXPECT_EQ(store->layer(), layer(3));
  EXPECT_THAT(numbers(*store), ElementsAre(3u, 2u, 1u));
  EXPECT_EQ(store->read(1), layer(1));
  const auto info = store->revisions().front();
  EXPECT_EQ(info.actor, "alice");
  EXPECT_EQ(info.summary, "services.web.replicas");
  EXPECT_EQ(info.at, clock_.wall());
  EXPECT_EQ(commit(*store, 4), 4u);
  EXPECT_EQ(*parse_json(*read_file(dir_ / "edits.json")), layer(4));
}

TEST_F(EditStoreTest, KeepsOnlySoManyRevisions) {
  const auto store = open(2);
  for (int i = 1; i <= 5; ++i) commit(*store, i);
  EXPECT_THAT(numbers(*store), ElementsAre(5u, 4u));
  EXPECT_FALSE(std::filesystem::exists(revision_file(3)));
  EXPECT_EQ(store->read(3).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(commit(*open(2), 6), 6u);
}

TEST_F(EditStoreTest, RestoresAnUnreadableNewestLayer) {
  const std::vector<std::string> spoiled{std::string(300, '\0'), "{\"services\": {", "[1]", "", "\xff\xfe"};
  for (const auto& text : spoiled) {
    const holdfast::test::TempDir fresh;
    {
      const auto store = *EditStore::open(fresh.path(), clock_);
      commit(*store, 1);
      commit(*store, 2);
    }
    write(fresh / "edits.json", text);
    const auto store = *EditStore::open(fresh.path(), clock_);
    EXPECT_EQ(store->layer(), layer(2));
    EXPECT_EQ(store->revision(), 2u);
    ASSERT_EQ(store->quarantined().size(), 1u);
    EXPECT_THAT(store->quarantined()[0], HasSubstr("edits.json.corrupt-20260101T000000Z"));
    EXPECT_THAT(store->quarantined()[0], HasSubstr("restored from revision 2"));
    EXPECT_EQ(read_file(fresh / "edits.json.corrupt-20260101T000000Z"), text);
    EXPECT_THAT((*EditStore::open(fresh.path(), clock_))->quarantined(), IsEmpty());
  }
}

TEST_F(EditStoreTest, SetsAnUnreadableRevisionAsideAndKeepsTheRest) {
  commit_many(3);
  write(revision_file(2), std::string(100, '\0'));
  const auto store = open();
  EXPECT_EQ(store->layer(), layer(3));
  EXPECT_THAT(numbers(*store), ElementsAre(3u, 1u));
  ASSERT_EQ(store->quarantined().size(), 1u);
  EXPECT_THAT(store->quarantined()[0], HasSubstr("0002.json"));
  EXPECT_EQ(store->read(2).error().code, ErrorCode::kNotFound);
}

TEST_F(EditStoreTest, TrustsTheNewestLayerWhenItsRevisionIsUnreadable) {
  commit_many(3);
  write(revision_file(3), R"({"revision": 3})");
  const auto store = open();
  EXPECT_EQ(store->layer(), layer(3));
  EXPECT_THAT(numbers(*store), ElementsAre(4u, 2u, 1u)) << "number 3 must not be used again";
}

TEST_F(EditStoreTest, NeverReusesTheNumberOfASetAsideRevision) {
  commit_many(2);
  write(revision_file(2), "x");
  std::filesystem::remove(dir_ / "edits.json");
  {
    const auto store = open();
    EXPECT_EQ(store->layer(), layer(1));
    EXPECT_EQ(store->revision(), 1u);
  }
  EXPECT_EQ(commit(*open(), 9), 3u);
}

TEST_F(EditStoreTest, FinishesACommitThatWasCutShort) {
  commit_many(1);
  const auto before = *read_file(dir_ / "edits.json");
  commit_many(0);
  {
    const auto store = open();
    commit(*store, 2);
  }
  // As a kill between the two renames leaves it: the old edits.json, older than the revision file.
  write(dir_ / "edits.json", before);
  std::filesystem::last_write_time(
      dir_ / "edits.json", std::filesystem::last_write_time(revision_file(2)) - std::chrono::seconds(1));
  const auto store = open();
  EXPECT_EQ(store->layer(), layer(2));
  EXPECT_EQ(store->revision(), 2u);
  EXPECT_EQ(*parse_json(*read_file(dir_ / "edits.json")), layer(2));
}

TEST_F(EditStoreTest, FinishesAFirstCommitThatWasCutShort) {
  commit_many(1);
  std::filesystem::remove(dir_ / "edits.json");
  const auto store = open();
  EXPECT_EQ(store->layer(), layer(1));
  EXPECT_EQ(*parse_json(*read_file(dir_ / "edits.json")), layer(1));
  ASSERT_EQ(store->quarantined().size(), 1u);
  EXPECT_THAT(store->quarantined()[0], HasSubstr("was missing"));
}

TEST_F(EditStoreTest, TakesAChangeByHandAsARevision) {
  commit_many(2);
  write(dir_ / "edits.json", dump_json(layer(7)));
  const auto store = open();
  EXPECT_EQ(store->layer(), layer(7));
  EXPECT_THAT(numbers(*store), ElementsAre(3u, 2u, 1u));
  EXPECT_EQ(store->revisions().front().actor, "edits.json");
  EXPECT_EQ(store->read(3), layer(7));
}

TEST_F(EditStoreTest, TakesALoneFileAsTheFirstRevision) {
  write(dir_ / "edits.json", dump_json(layer(5)));
  const auto store = open();
  EXPECT_EQ(store->layer(), layer(5));
  EXPECT_EQ(store->revision(), 1u);
}

TEST_F(EditStoreTest, ReadsBackWhatIsLargeAndDeep) {
  Json deep = Json::object({{"text", std::string(9u << 20, 'x')}});
  for (int i = 0; i < 60; ++i) deep = Json::object({{"a", deep}});
  ASSERT_TRUE(open()->commit(deep, {}, "large"));
  EXPECT_EQ(open()->layer(), deep);
}

TEST_F(EditStoreTest, KeepsEditsFromOtherUsers) {
  commit_many(1);
  for (const auto& path : {dir_ / "edits.json", revision_file(1)}) {
    struct stat info{};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0077u, 0u) << path;
  }
}

TEST_F(EditStoreTest, LeavesNothingBehindWhenACommitFails) {
  commit_many(1);
  const auto store = open();
  std::filesystem::remove(dir_ / "edits.json");
  std::filesystem::create_directory(dir_ / "edits.json");  // the second rename fails
  const auto revision = store->commit(layer(2), {}, "x");
  ASSERT_FALSE(revision);
  EXPECT_THAT(revision.error().hint, HasSubstr("nothing was changed"));
  EXPECT_EQ(store->layer(), layer(1));
  EXPECT_EQ(store->revision(), 1u);
  EXPECT_FALSE(std::filesystem::exists(revision_file(2)));
  EXPECT_EQ(files_like(".tmp"), 0u);
  std::filesystem::remove(dir_ / "edits.json");
  EXPECT_EQ(commit(*store, 2), 2u);
}

}  // namespace
}  // namespace holdfast::state
