// Resource limits, by cgroup where there is one and by setrlimit elsewhere, and what usage() says.
#include <csignal>

#include "tests/integration/process/fixture.h"

namespace holdfast::test {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

class LimitTest : public TreeTest {
 protected:
  bool is_native(const char* feature) {
    return runtime().capabilities().features.at(feature) == Support::kNative;
  }
};

TEST_P(LimitTest, CapabilitiesSayHowLimitsAreHeld) {
  const auto capabilities = runtime().capabilities();
  for (const char* feature : {"limits.memory", "limits.cpu", "limits.pids", "treeKill"}) {
    ASSERT_TRUE(capabilities.features.contains(feature)) << feature;
    EXPECT_FALSE(capabilities.notes.at(feature).empty());
  }
  if (GetParam()) return;
  EXPECT_EQ(capabilities.features.at("limits.memory"), Support::kEmulated);
  EXPECT_EQ(capabilities.features.at("limits.cpu"), Support::kUnsupported);
  EXPECT_EQ(capabilities.features.at("treeKill"), Support::kEmulated);
}

TEST_P(LimitTest, TooMuchMemoryIsToldAsSuch) {
  auto spec = ProcessWorld::spec("web", {"eat", std::to_string(256 * kMiB), "pause"});
  spec.resources.memory_bytes = 48 * kMiB;
  ASSERT_TRUE(start(spec));
  const auto exit = exit_of("web");
  if (is_native("limits.memory")) {
    EXPECT_EQ(exit.signal, SIGKILL);
    EXPECT_TRUE(exit.oom_killed) << exit.reason;
  } else {
    EXPECT_EQ(exit.code, 96);  // malloc failed
  }
}

TEST_P(LimitTest, EnoughMemoryIsGiven) {
  auto spec = ProcessWorld::spec("web", {"eat", std::to_string(32 * kMiB), "print", "fed", "pause"});
  spec.resources.memory_bytes = 256 * kMiB;
  spec.resources.cpu_millis = 500;
  ASSERT_TRUE(start(spec));
  EXPECT_TRUE(says("web", "fed"));
  ASSERT_TRUE(::kill(static_cast<pid_t>(*observe("web")->pid), SIGKILL) == 0);
  EXPECT_FALSE(exit_of("web").oom_killed);
}

TEST_P(LimitTest, ProcessesAreLimited) {
  auto spec = ProcessWorld::spec("web", {"spawn", "30", "print", "forked", "pause"});
  spec.resources.pids = 6;
  if (!is_native("limits.pids")) return;  // setrlimit's counts all of the user's processes, and not root's
  ASSERT_TRUE(start(spec));
  ASSERT_TRUE(says("web", "forked"));
  EXPECT_EQ(processes_of(world_, "web").size(), 6u);
}

TEST_P(LimitTest, UsageCountsTheWholeTree) {
  ASSERT_TRUE(
      start("web", {"spawn", "2", "escape", "1", "eat", std::to_string(40 * kMiB), "print", "up", "pause"}));
  ASSERT_TRUE(says("web", "up"));
  const auto usage = runtime().usage({*observe("web")});
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].processes, 4);
  EXPECT_GE(usage[0].memory_bytes.value_or(0), 40 * kMiB);
  EXPECT_LT(usage[0].memory_bytes.value_or(0), 400 * kMiB);
  EXPECT_GE(usage[0].open_fds.value_or(0), 4 * 3);
  EXPECT_GT(usage[0].cpu_seconds_total.value_or(0), 0);
  EXPECT_LT(usage[0].cpu_seconds_total.value_or(1e9), 60);
  ASSERT_TRUE(kill("web"));
  exit_of("web");
  EXPECT_FALSE(runtime().usage({*observe("web")})[0].memory_bytes);
}

INSTANTIATE_TEST_SUITE_P(Process, LimitTest, testing::Bool(), tree_name);

}  // namespace
}  // namespace holdfast::test
