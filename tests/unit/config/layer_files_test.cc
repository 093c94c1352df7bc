#include "controller/config/layer_files.h"

#include <filesystem>
#include <fstream>

#include "tests/support/support.h"

namespace holdfast::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::vector<std::string> names(const LayerSet& set) {
  std::vector<std::string> out;
  for (const auto& layer : set.layers)
    out.push_back(layer.layer + ":" + fs::path(layer.file).filename().string() + "=" + layer.text);
  return out;
}

TEST(LayerFiles, BaseThenOverlaysInLexicalOrder) {
  const test::TempDir dir;
  write(dir / "base.yaml", "b");
  fs::create_directory(dir / "one");
  fs::create_directory(dir / "two");
  write(dir / "one/20-x.yml", "2");
  write(dir / "one/100.json", "1");
  write(dir / "one/30.yaml", "3");
  write(dir / "two/00.yaml", "4");
  // What editors, package managers and people leave behind.
  for (const auto* name :
       {".hidden.yaml", ".x.yaml.swp", "x.yaml~", "x.yaml.bak", "README", "x.yaml.tmp.Ab12"})
    write(dir / "one" / fs::path(name), "no");
  fs::create_directory(dir / "one/folder.yaml");
  const auto set = read_layers({dir / "base.yaml", {dir / "one", dir / "two"}});
  EXPECT_THAT(set.problems, IsEmpty());
  EXPECT_THAT(names(set), ElementsAre("base:base.yaml=b", "overlay:100.json=1", "overlay:20-x.yml=2",
                                      "overlay:30.yaml=3", "overlay:00.yaml=4"));
}

TEST(LayerFiles, NothingGivenIsNothingRead) {
  const auto set = read_layers({});
  EXPECT_THAT(set.layers, IsEmpty());
  EXPECT_THAT(set.problems, IsEmpty());
}

TEST(LayerFiles, WhatCannotBeReadIsAProblemOfItsLayer) {
  const test::TempDir dir;
  fs::create_directory(dir / "overlay");
  fs::create_symlink("nowhere", dir / "overlay/dangling.yaml");
  write(dir / "overlay/fine.yaml", "x");
  const auto set = read_layers({dir / "missing.yaml", {dir / "overlay", dir / "absent"}});
  ASSERT_EQ(set.problems.size(), 3u);
  EXPECT_EQ(set.problems[0].origin, (Origin{"base", dir / "missing.yaml", 0, 0}));
  EXPECT_THAT(set.problems[0].message, testing::HasSubstr("No such file"));
  EXPECT_EQ(set.problems[1].origin, (Origin{"overlay", dir / "overlay/dangling.yaml", 0, 0}));
  EXPECT_EQ(set.problems[2].origin, (Origin{"overlay", dir / "absent", 0, 0}));
  EXPECT_THAT(names(set), ElementsAre("overlay:fine.yaml=x"));
}

TEST(LayerFiles, AMountedConfigMapIsReadFromOneVersion) {
  const test::TempDir dir;
  fs::create_directory(dir / "map");
  fs::create_directory(dir / "map/..2026_01_01");
  write(dir / "map/..2026_01_01/a.yaml", "a");
  write(dir / "map/..2026_01_01/b.yaml", "b");
  fs::create_symlink("..2026_01_01", dir / "map/..data");
  fs::create_symlink("..data/a.yaml", dir / "map/a.yaml");
  fs::create_symlink("..data/b.yaml", dir / "map/b.yaml");
  const auto set = read_layers({{}, {dir / "map"}});
  EXPECT_THAT(names(set), ElementsAre("overlay:a.yaml=a", "overlay:b.yaml=b"));
  EXPECT_EQ(set.layers[0].file, dir / "map/a.yaml");

  const auto interests = directories_of({{}, {dir / "map"}});
  const auto map = fs::canonical(dir / "map");
  ASSERT_TRUE(interests.contains(map.string()));
  EXPECT_TRUE(interests.at(map.string()).includes("..data"));
  EXPECT_TRUE(interests.at(map.string()).includes("new.json"));
  EXPECT_FALSE(interests.at(map.string()).includes(".a.yaml.swp"));
  EXPECT_TRUE(interests.at((map / "..2026_01_01").string()).includes("a.yaml"));
}

TEST(LayerFiles, LinksAreFollowedToEveryDirectoryThatMatters) {
  const test::TempDir dir;
  const auto root = fs::canonical(dir.path());
  fs::create_directories(root / "releases/1");
  write(root / "releases/1/base.yaml", "x");
  fs::create_symlink("releases/1", root / "current");
  fs::create_symlink(root / "current/base.yaml", root / "base.yaml");
  const auto interests = directories_of({(root / "base.yaml").string(), {}});
  EXPECT_TRUE(interests.at(root.string()).includes("base.yaml"));
  EXPECT_TRUE(interests.at(root.string()).includes("current"));
  EXPECT_FALSE(interests.at(root.string()).includes("other.yaml"));
  EXPECT_TRUE(interests.at((root / "releases/1").string()).includes("base.yaml"));
}

TEST(LayerFiles, AMissingPathIsAwaitedWhereItWouldAppear) {
  const test::TempDir dir;
  const auto root = fs::canonical(dir.path());
  const auto interests = directories_of({(root / "a/b/base.yaml").string(), {}});
  EXPECT_EQ(interests.size(), 1u);
  EXPECT_TRUE(interests.at(root.string()).includes("a"));
}

TEST(LayerFiles, LinksInACircleEnd) {
  const test::TempDir dir;
  fs::create_symlink("b.yaml", dir / "a.yaml");
  fs::create_symlink("a.yaml", dir / "b.yaml");
  EXPECT_FALSE(directories_of({dir / "a.yaml", {}}).empty());
  EXPECT_EQ(read_layers({dir / "a.yaml", {}}).problems.size(), 1u);
}

}  // namespace
}  // namespace holdfast::config
