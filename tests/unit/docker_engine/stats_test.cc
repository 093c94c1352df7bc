#include "runtimes/docker/engine/stats.h"

namespace holdfast::docker {
namespace {

ResourceUsage usage(const char* text) {
  return usage_of(parse_json(text).value());
}

// Recorded from dockerd 20.10 on cgroup v1, shortened.
TEST(Stats, OfCgroupV1) {
  const auto found = usage(R"({"read":"2026-11-25T13:25:37.365344911Z","pids_stats":{"current":2},
    "cpu_stats":{"cpu_usage":{"total_usage":109744309},"system_cpu_usage":5811980000000,"online_cpus":2},
    "memory_stats":{"usage":589824,"stats":{"inactive_file":126976,"total_inactive_file":131072},"limit":1}})");
  EXPECT_DOUBLE_EQ(found.cpu_seconds_total.value_or(0), 0.109744309);
  EXPECT_EQ(found.memory_bytes, 589824 - 131072);
  EXPECT_EQ(found.processes, 2);
  EXPECT_FALSE(found.cpu_percent);
  EXPECT_FALSE(found.open_fds);
}

TEST(Stats, OfCgroupV2) {
  const auto found = usage(R"({"memory_stats":{"usage":1000,"stats":{"inactive_file":300}}})");
  EXPECT_EQ(found.memory_bytes, 700);
  EXPECT_EQ(usage(R"({"memory_stats":{"usage":100,"stats":{"inactive_file":300}}})").memory_bytes, 100);
}

TEST(Stats, OfPodman) {
  const auto found = usage(R"({"pids_stats":{"current":1},"cpu_stats":{"cpu_usage":{"total_usage":61338073}},
    "memory_stats":{"usage":499712,"limit":25276514304}})");
  EXPECT_EQ(found.memory_bytes, 499712);
  EXPECT_EQ(found.processes, 1);
}

TEST(Stats, OfAContainerThatDoesNotRun) {
  const auto found = usage(R"({"read":"0001-01-01T00:00:00Z","pids_stats":{},
    "cpu_stats":{"cpu_usage":{"total_usage":0}},"memory_stats":{}})");
  EXPECT_FALSE(found.cpu_seconds_total);
  EXPECT_FALSE(found.memory_bytes);
  EXPECT_FALSE(found.processes);
}

TEST(Stats, OfWhatIsNone) {
  for (const auto* text : {"{}", "[]", "null", R"({"memory_stats":3,"cpu_stats":"x"})"}) {
    EXPECT_FALSE(usage(text).memory_bytes) << text;
    EXPECT_FALSE(usage(text).cpu_seconds_total) << text;
  }
}

}  // namespace
}  // namespace holdfast::docker
