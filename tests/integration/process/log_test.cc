// Every line is kept, whatever happens to the files meanwhile.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <sys/mount.h>
#include <unistd.h>

#include "tests/integration/process/fixture.h"

namespace holdfast::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LogTest : public ProcessTest {
 protected:
  // "line 00000042" for each number, in order, over all files, oldest first.
  static void expect_numbered(const std::vector<LogLine>& lines, long from, long count) {
    ASSERT_EQ(lines.size(), static_cast<size_t>(count));
    for (long i = 0; i < count; ++i) {
      char text[32];
      std::snprintf(text, sizeof text, "line %08ld", from + i);
      ASSERT_EQ(lines[static_cast<size_t>(i)].text, text);
    }
  }
};

TEST_F(LogTest, RotationLosesNoLine) {
  constexpr long kLines = 100'000;
  auto spec = ProcessWorld::spec("web", {"lines", "0", std::to_string(kLines)});
  spec.logs = {.max_size = 64 << 10, .max_files = 200};
  ASSERT_TRUE(start(spec));
  ASSERT_EQ(exit_of("web").code, 0);
  expect_numbered(log_lines("web"), 0, kLines);
  EXPECT_TRUE(std::filesystem::exists(world_.run_dir("web") + "/stdout.log.50"));
  for (const auto& entry : std::filesystem::directory_iterator(world_.run_dir("web")))
    EXPECT_LE(std::filesystem::file_size(entry.path()), 64u << 10) << entry.path();
}

TEST_F(LogTest, ReadingWhileItRotatesSeesNoGapAndNoDouble) {
  auto spec = ProcessWorld::spec("web", {"lines", "0", "60000", "print", "done"});
  spec.logs = {.max_size = 16 << 10, .max_files = 500};
  ASSERT_TRUE(start(spec));
  bool done = false;
  while (!done) {
    done = is("web", Phase::kExited);
    const auto lines = log_lines("web", "stdout", 2000);
    for (size_t i = 1; i < lines.size() && lines[i].text != "done"; ++i) {
      ASSERT_EQ(std::stol(lines[i].text.substr(5)), std::stol(lines[i - 1].text.substr(5)) + 1);
    }
  }
}

TEST_F(LogTest, OnlyTheNewestFilesAreKept) {
  auto spec = ProcessWorld::spec("web", {"lines", "0", "20000"});
  spec.logs = {.max_size = 10'000, .max_files = 3};
  ASSERT_TRUE(start(spec));
  ASSERT_EQ(exit_of("web").code, 0);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world_.run_dir("web")))
    files += entry.path().filename().string().starts_with("stdout.log") ? 1 : 0;
  EXPECT_EQ(files, 3u);
  const auto lines = log_lines("web");
  ASSERT_FALSE(lines.empty());
  expect_numbered(lines, 20000 - static_cast<long>(lines.size()), static_cast<long>(lines.size()));
}

TEST_F(LogTest, AFloodNeverBlocksTheService) {
  auto spec = ProcessWorld::spec("web", {"lines", "0", "300000", "exit", "5"});
  spec.logs = {.max_size = 1 << 20, .max_files = 2};
  ASSERT_TRUE(start(spec));
  world_.drop_adapter();  // nobody but the shim reads
  world_.replace_adapter();
  EXPECT_EQ(exit_of("web").code, 5);
}

TEST_F(LogTest, LinesHaveTheTimeOfTheirWriting) {
  const WallTime before = SystemClock().wall();
  ASSERT_TRUE(start("web", {"print", "one", "eprint", "two"}));
  ASSERT_EQ(exit_of("web").code, 0);
  const WallTime after = SystemClock().wall();
  for (const char* stream : {"stdout", "stderr"}) {
    const auto lines = log_lines("web", stream);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_GE(lines[0].at, before - std::chrono::microseconds{1});
    EXPECT_LE(lines[0].at, after);
  }
  LogQuery later;
  later.since = after;
  EXPECT_TRUE(runtime().logs()->read("web", later)->empty());
}

TEST_F(LogTest, UnfinishedLinesOfTwoRunsStayApart) {
  ASSERT_TRUE(start("web", {"partial", "half", "partial", " and half"}));
  ASSERT_EQ(exit_of("web").code, 0);
  ASSERT_TRUE(start("web", {"print", "next"}, 2));
  ASSERT_EQ(exit_of("web").code, 0);
  EXPECT_THAT(texts("web"), ElementsAre("half and half", "next"));
}

TEST_F(LogTest, AnUnfinishedLineIsSeenWhileItGrows) {
  ASSERT_TRUE(start("web", {"partial", "login: ", "pause"}));
  EXPECT_TRUE(says("web", "login: "));
}

TEST_F(LogTest, AShimKilledWithinALineLeavesTheNextRunALineOfItsOwn) {
  ASSERT_TRUE(start("web", {"partial", "cut", "pause"}));
  ASSERT_TRUE(says("web", "cut"));
  ASSERT_EQ(::kill(shim_of(world_, "web"), SIGKILL), 0);
  exit_of("web");
  ASSERT_TRUE(start("web", {"print", "next"}, 2));
  exit_of("web");
  EXPECT_THAT(texts("web"), ElementsAre("cut", "next"));
}

TEST_F(LogTest, AVeryLongLineIsSplitAndNothingOfItLost) {
  constexpr size_t kLength = 1'000'000;
  ASSERT_TRUE(start("web", {"print", "before", "long", std::to_string(kLength), "print", "after"}));
  ASSERT_EQ(exit_of("web").code, 0);
  const auto said = texts("web");
  ASSERT_GT(said.size(), 3u);
  EXPECT_EQ(said.front(), "before");
  EXPECT_EQ(said.back(), "after");
  size_t total = 0;
  for (size_t i = 1; i + 1 < said.size(); ++i) {
    EXPECT_LE(said[i].size(), 16384u);
    EXPECT_EQ(said[i].find_first_not_of('x'), std::string::npos);
    total += said[i].size();
  }
  EXPECT_EQ(total, kLength);
}

TEST_F(LogTest, AFileDeletedUnderneathIsMadeAnew) {
  const std::string gate = world_.state_dir() + "/gate";
  ASSERT_TRUE(start("web", {"print", "one", "wait-for", gate, "print", "two", "pause"}));
  ASSERT_TRUE(says("web", "one"));
  ASSERT_TRUE(std::filesystem::remove(world_.run_dir("web") + "/stdout.log"));
  ASSERT_TRUE(write_file_atomically(gate, ""));
  EXPECT_TRUE(says("web", "two"));
}

TEST_F(LogTest, AFileTruncatedUnderneathGoesOn) {
  const std::string gate = world_.state_dir() + "/gate";
  ASSERT_TRUE(start("web", {"print", "one", "wait-for", gate, "print", "two", "pause"}));
  ASSERT_TRUE(says("web", "one"));
  std::filesystem::resize_file(world_.run_dir("web") + "/stdout.log", 0);
  ASSERT_TRUE(write_file_atomically(gate, ""));
  EXPECT_TRUE(says("web", "two"));
  EXPECT_THAT(texts("web"), ElementsAre("two"));
}

TEST_F(LogTest, ATailReadsOnlyTheEnd) {
  auto spec = ProcessWorld::spec("web", {"lines", "0", "200000"});
  spec.logs = {.max_size = 64 << 20, .max_files = 2};
  ASSERT_TRUE(start(spec));
  ASSERT_EQ(exit_of("web").code, 0);
  // What lies before the last blocks is damaged, and nobody notices.
  std::fstream file(world_.run_dir("web") + "/stdout.log", std::ios::in | std::ios::out);
  file << std::string(1 << 20, '\0');
  file.close();
  expect_numbered(log_lines("web", "stdout", 500), 199'500, 500);
}

// A file system of one megabyte of its own, where the test may mount one.
class FullDiskTest : public LogTest {
 protected:
  void SetUp() override {
    mounted_ = mount("tmpfs", disk_.path().c_str(), "tmpfs", 0, "size=1m") == 0;
    std::filesystem::create_directories(disk_ / "run/web");
    std::filesystem::create_directories(world_.state_dir() + "/run");
    std::filesystem::create_directory_symlink(disk_ / "run/web", world_.state_dir() + "/run/web");
  }
  void TearDown() override {
    if (!mounted_) return;
    if (observe("web") && !is("web", Phase::kExited)) {
      EXPECT_TRUE(kill("web", observe("web")->incarnation));
      exit_of("web");
    }
    world_.drop_adapter();
    umount2(disk_.path().c_str(), MNT_DETACH);
  }
  void fill() { std::ofstream(disk_ / "ballast") << std::string(2 << 20, 'b'); }
  TempDir disk_;
  bool mounted_ = false;
};

TEST_F(FullDiskTest, TheServiceRunsOnAndTheLogTellsWhatIsMissing) {
  if (!mounted_) return;  // needs CAP_SYS_ADMIN
  const std::string gate = world_.state_dir() + "/gate";
  ASSERT_TRUE(start("web", {"print", "first", "wait-for", gate + "1", "lines", "0", "50000", "touch",
                            gate + "2", "wait-for", gate + "3", "print", "last", "pause"}));
  ASSERT_TRUE(says("web", "first"));
  fill();
  ASSERT_TRUE(write_file_atomically(gate + "1", ""));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(gate + "2"); }));  // it was never held up
  std::filesystem::remove(disk_ / "ballast");
  ASSERT_TRUE(write_file_atomically(gate + "3", ""));
  ASSERT_TRUE(says("web", "last"));
  const auto said = texts("web");
  EXPECT_EQ(said.front(), "first");
  size_t missing = 0, numbered = 0;
  for (const auto& text : said) {
    unsigned long lines = 0;
    if (std::sscanf(text.c_str(), "holdfast: %lu lines", &lines) == 1) {
      missing += lines;
      EXPECT_THAT(text, HasSubstr("No space left on device"));
    }
    numbered += text.starts_with("line ") && text.size() == 13 ? 1 : 0;
  }
  EXPECT_GT(missing, 0u);
  EXPECT_EQ(missing + numbered, 50'000u);
}

TEST_F(FullDiskTest, ExitsAndRestartsAreStillRecorded) {
  if (!mounted_) return;  // needs CAP_SYS_ADMIN
  ASSERT_TRUE(start("web", {"exit", "3"}));
  ASSERT_EQ(exit_of("web").code, 3);
  ASSERT_TRUE(start("web", {"exit", "3"}, 2));
  ASSERT_EQ(exit_of("web").code, 3);
  fill();
  for (std::uint64_t incarnation = 3; incarnation < 8; ++incarnation) {
    const auto started = start("web", {"exit", std::to_string(incarnation)}, incarnation);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(exit_of("web").code, static_cast<int>(incarnation));
    world_.replace_adapter();
    EXPECT_EQ(observe("web")->incarnation, incarnation);
    EXPECT_EQ(exit_of("web").code, static_cast<int>(incarnation));
  }
}

}  // namespace
}  // namespace holdfast::test
