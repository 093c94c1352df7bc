#include "controller/config/file_watcher.h"

#include <filesystem>
#include <fstream>

#include "controller/base/file.h"
#include "tests/support/support.h"

namespace holdfast::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

// The watcher on a running loop, and what it told. Changes are awaited, so that nothing depends on how long
// they take; the slow check is put off beyond the test, so that only events can bring them.
class Watched : public testing::Test {
 protected:
  void watch(LayerSources sources, Duration recheck = std::chrono::hours{1}) {
    watched_ = std::make_unique<WatchedLayers>(
        loop_, std::move(sources),
        [this](const LayerSet& set) {
          const std::lock_guard lock(mutex_);
          told_.push_back(set);
        },
        WatchOptions{std::chrono::milliseconds{20}, std::chrono::seconds{1}, recheck});
    thread_ = std::jthread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.stop();
    thread_ = {};
    watched_.reset();
  }

  static std::string flat(const LayerSet& set) {
    std::string out;
    for (const auto& layer : set.layers) out += layer.text + ";";
    for (const auto& problem : set.problems)
      out += "!" + fs::path(problem.origin.file).filename().string() + ";";
    return out;
  }
  // Waits until the newest that was told is this.
  testing::AssertionResult told(const std::string& expected) {
    const auto newest = [&] {
      const std::lock_guard lock(mutex_);
      return told_.empty() ? std::string("nothing") : flat(told_.back());
    };
    if (test::wait_until([&] { return newest() == expected; })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "told " << newest() << " instead of " << expected;
  }
  std::vector<std::string> all_told() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& set : told_) out.push_back(flat(set));
    return out;
  }
  static void write(const fs::path& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(path.string(), text, 0644, Durability::kProcessCrash));
  }

  const test::TempDir dir_;
  EventLoop loop_;
  std::mutex mutex_;
  std::vector<LayerSet> told_;
  std::unique_ptr<WatchedLayers> watched_;
  std::jthread thread_;
};

TEST_F(Watched, ReadsAtFirstAndTellsOnlyChanges) {
  write(dir_ / "base.yaml", "a: 1");
  watch({dir_ / "base.yaml", {}});
  EXPECT_EQ(flat(watched_->current()), "a: 1;");
  write(dir_ / "base.yaml", "a: 2");
  EXPECT_TRUE(told("a: 2;"));
  EXPECT_EQ(flat(watched_->current()), "a: 2;");
}

// Editors write a new file and rename it over the old one, or move the old one away first.
TEST_F(Watched, AnEditorsRenameIsSeenEveryTime) {
  write(dir_ / "base.yaml", "0");
  watch({dir_ / "base.yaml", {}});
  for (int i = 1; i <= 5; ++i) {
    const auto text = std::to_string(i);
    if (i % 2 == 0) fs::rename(dir_ / "base.yaml", dir_ / "base.yaml~");
    write(dir_ / "base.yaml", text);
    ASSERT_TRUE(told(text + ";"));
  }
}

TEST_F(Watched, WritingInPlaceIsSeen) {
  write(dir_ / "base.yaml", "old");
  watch({dir_ / "base.yaml", {}});
  std::ofstream(dir_ / "base.yaml") << "new";
  EXPECT_TRUE(told("new;"));
}

TEST_F(Watched, TheSameContentIsNoChange) {
  write(dir_ / "base.yaml", "same");
  fs::create_directory(dir_ / "overlay");
  watch({dir_ / "base.yaml", {dir_ / "overlay"}});
  for (int i = 0; i < 5; ++i) write(dir_ / "base.yaml", "same");
  write(dir_ / "overlay/.a.yaml.swp", "x");
  write(dir_ / "overlay/notes.txt", "x");
  write(dir_ / "overlay/a.yaml", "end");
  ASSERT_TRUE(told("same;end;"));
  EXPECT_THAT(all_told(), ElementsAre("same;end;"));
}

// As the kubelet updates a mounted ConfigMap: new directory, new link, rename over ..data, old directory
// gone.
TEST_F(Watched, AConfigMapsSwappedLinkIsSeenAndNeverHalf) {
  const auto publish = [&](int version) {
    const auto folder = "..2026_01_01_" + std::to_string(version);
    fs::create_directory(dir_ / "map/" + folder);
    for (const auto* name : {"a.yaml", "b.yaml", "c.yaml"})
      std::ofstream(dir_ / "map/" + folder + "/" + name) << version;
    fs::create_directory_symlink(folder, dir_ / "map/..data_tmp");
    std::error_code none;
    const auto old = fs::read_symlink(dir_ / "map/..data", none);
    fs::rename(dir_ / "map/..data_tmp", dir_ / "map/..data");
    if (!old.empty()) fs::remove_all(fs::path(dir_ / "map") / old);
  };
  fs::create_directory(dir_ / "map");
  publish(0);
  for (const auto* name : {"a.yaml", "b.yaml", "c.yaml"})
    fs::create_symlink(std::string("..data/") + name, dir_ / "map/" + name);
  watch({{}, {dir_ / "map"}});
  EXPECT_EQ(flat(watched_->current()), "0;0;0;");
  publish(1);
  ASSERT_TRUE(told("1;1;1;"));
  for (int version = 2; version < 60; ++version) publish(version);
  ASSERT_TRUE(told("59;59;59;"));
  for (const auto& text : all_told()) {
    const auto one = text.substr(0, text.find(';') + 1);
    EXPECT_EQ(text, one + one + one);
  }
}

TEST_F(Watched, TheBaseFileMayBeInAConfigMapToo) {
  fs::create_directories(dir_ / "map/..1");
  fs::create_directories(dir_ / "map/..2");
  std::ofstream(dir_ / "map/..1/holdfast.yaml") << "one";
  std::ofstream(dir_ / "map/..2/holdfast.yaml") << "two";
  fs::create_directory_symlink("..1", dir_ / "map/..data");
  fs::create_symlink("..data/holdfast.yaml", dir_ / "map/holdfast.yaml");
  watch({dir_ / "map/holdfast.yaml", {}});
  EXPECT_EQ(flat(watched_->current()), "one;");
  fs::create_directory_symlink("..2", dir_ / "map/..tmp");
  fs::rename(dir_ / "map/..tmp", dir_ / "map/..data");
  EXPECT_TRUE(told("two;"));
}

TEST_F(Watched, FilesAndDirectoriesMayComeAndGo) {
  watch({dir_ / "etc/base.yaml", {dir_ / "etc/overlay"}});
  EXPECT_EQ(flat(watched_->current()), "!base.yaml;!overlay;");
  fs::create_directories(dir_ / "etc/overlay");
  ASSERT_TRUE(told("!base.yaml;"));
  write(dir_ / "etc/base.yaml", "b");
  ASSERT_TRUE(told("b;"));
  write(dir_ / "etc/overlay/1.yaml", "1");
  ASSERT_TRUE(told("b;1;"));
  fs::remove(dir_ / "etc/overlay/1.yaml");
  ASSERT_TRUE(told("b;"));
  // The whole directory is replaced by another.
  fs::create_directories(dir_ / "new/overlay");
  write(dir_ / "new/base.yaml", "n");
  fs::rename(dir_ / "etc", dir_ / "old");
  fs::rename(dir_ / "new", dir_ / "etc");
  ASSERT_TRUE(told("n;"));
  write(dir_ / "etc/overlay/2.yaml", "2");
  ASSERT_TRUE(told("n;2;"));
}

TEST_F(Watched, WithoutEventsTheSlowCheckFindsAChange) {
  fs::create_directories(dir_ / "a/b");
  write(dir_ / "a/b/base.yaml", "old");
  fs::create_directories(dir_ / "n/b");
  write(dir_ / "n/b/base.yaml", "new");
  watch({dir_ / "a/b/base.yaml", {}}, std::chrono::milliseconds{50});
  // Renaming a directory further up tells those below nothing.
  fs::rename(dir_ / "a", dir_ / "o");
  fs::rename(dir_ / "n", dir_ / "a");
  EXPECT_TRUE(told("new;"));
}

TEST_F(Watched, CheckLooksAtOnce) {
  fs::create_directories(dir_ / "a/b");
  write(dir_ / "a/b/base.yaml", "old");
  fs::create_directories(dir_ / "n/b");
  write(dir_ / "n/b/base.yaml", "new");
  watch({dir_ / "a/b/base.yaml", {}});
  fs::rename(dir_ / "a", dir_ / "o");
  fs::rename(dir_ / "n", dir_ / "a");
  watched_->check();
  EXPECT_TRUE(told("new;"));
}

}  // namespace
}  // namespace holdfast::config
