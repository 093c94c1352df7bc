// Figures from cgroups, with trees as machines have them.
#include "runtimes/docker/cgroup_usage.h"

#include <filesystem>

#include "controller/base/file.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

const std::string kId = "26c15805cb6c4c447806766e8fbee5d62e35c889d5e5e7d5163ba28518cdc55d";

class CgroupUsage : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(dir_ / path).parent_path());
    ASSERT_TRUE(write_file_atomically(dir_ / path, text));
  }
  void groups(const std::string& text) { write("proc/42/cgroup", text); }
  std::optional<ResourceUsage> usage(const std::string& container = kId, std::int64_t pid = 42) {
    return cgroup_usage(container, pid, dir_ / "proc", dir_ / "cgroup");
  }
  void expect(std::int64_t memory, double cpu, std::int64_t processes) {
    const auto seen = usage();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->memory_bytes, memory);
    ASSERT_TRUE(seen->cpu_seconds_total);
    EXPECT_DOUBLE_EQ(*seen->cpu_seconds_total, cpu);
    EXPECT_EQ(seen->processes, processes);
    EXPECT_FALSE(seen->cpu_percent || seen->open_fds);
  }
  void write_v1(const std::string& memory, const std::string& cpuacct, const std::string& pids) {
    write(memory + "/memory.usage_in_bytes", "1000000\n");
    write(memory + "/memory.stat", "cache 5\ninactive_file 7\ntotal_cache 9\ntotal_inactive_file 400000\n");
    write(cpuacct + "/cpuacct.usage", "2500000000\n");
    write(pids + "/pids.current", "7\n");
  }
  void write_v2(const std::string& group) {
    write(group + "/memory.current", "1000000\n");
    write(group + "/memory.stat", "anon 600000\nfile 400000\ninactive_file 300000\nactive_file 100000\n");
    write(group + "/cpu.stat", "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n");
    write(group + "/pids.current", "3\n");
  }

  holdfast::test::TempDir dir_;
};

TEST_F(CgroupUsage, ReadsVersion1WithControllersMountedApart) {
  const auto group = "/docker/" + kId;
  groups("9:name=systemd:" + group + "\n8:pids:" + group + "\n4:memory:" + group + "\n2:cpuacct:" + group +
         "\n1:cpu:" + group + "\n");
  write_v1("cgroup/memory" + group, "cgroup/cpuacct" + group, "cgroup/pids" + group);
  expect(600'000, 2.5, 7);
}

// Debian: cpu and cpuacct are one mount, each a link to it.
TEST_F(CgroupUsage, ReadsVersion1WithControllersMountedTogether) {
  const auto group = "/system.slice/docker-" + kId + ".scope";
  groups("4:cpu,cpuacct:" + group + "\n3:memory:" + group + "\n2:pids:" + group + "\n");
  write_v1("cgroup/memory" + group, "cgroup/cpu,cpuacct" + group, "cgroup/pids" + group);
  std::filesystem::create_directory_symlink("cpu,cpuacct", dir_ / "cgroup/cpuacct");
  expect(600'000, 2.5, 7);
}

TEST_F(CgroupUsage, ReadsVersion2) {
  const auto group = "/system.slice/docker-" + kId + ".scope";
  groups("0::" + group + "\n");
  write_v2("cgroup" + group);
  expect(700'000, 1.5, 3);
}

// Version 1 beside an empty version 2.
TEST_F(CgroupUsage, ReadsVersion1OfAHybrid) {
  const auto group = "/docker/" + kId;
  groups("8:pids:" + group + "\n4:memory:" + group + "\n2:cpuacct:" + group + "\n0::" + group + "\n");
  write_v1("cgroup/memory" + group, "cgroup/cpuacct" + group, "cgroup/pids" + group);
  write("cgroup/unified" + group + "/cgroup.procs", "42\n");
  expect(600'000, 2.5, 7);
}

TEST_F(CgroupUsage, OfAHybridIsNothingWithoutVersion1) {
  groups("4:memory:/\n0::/docker/" + kId + "\n");
  write("cgroup/unified/docker/" + kId + "/cgroup.procs", "42\n");
  EXPECT_FALSE(usage());
}

// The pid is another container's by now, or of another machine.
TEST_F(CgroupUsage, OfAnotherContainerIsNothing) {
  const auto other = std::string(64, 'a');
  groups("0::/docker/" + other + "\n");
  write_v2("cgroup/docker/" + other);
  EXPECT_FALSE(usage());
  EXPECT_FALSE(usage(""));
  EXPECT_TRUE(usage(other));
}

TEST_F(CgroupUsage, OfAProcessThatIsGoneIsNothing) {
  groups("0::/docker/" + kId + "\n");
  write_v2("cgroup/docker/" + kId);
  EXPECT_FALSE(usage(kId, 43));
}

TEST_F(CgroupUsage, WithoutFilesIsNothing) {
  groups("0::/docker/" + kId + "\n");
  EXPECT_FALSE(usage());
  groups("");
  EXPECT_FALSE(usage());
  groups("garbage\n::\n:\n");
  EXPECT_FALSE(usage());
}

TEST_F(CgroupUsage, TellsWhatItCanRead) {
  const auto group = "/docker/" + kId;
  groups("0::" + group + "\n");
  write("cgroup" + group + "/memory.current", "1000000\n");  // without memory.stat: all of it
  write("cgroup" + group + "/pids.current", "max\n");
  const auto seen = usage();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->memory_bytes, 1'000'000);
  EXPECT_FALSE(seen->cpu_seconds_total || seen->processes);
}

TEST_F(CgroupUsage, IsNeverBelowZero) {
  const auto group = "/docker/" + kId;
  groups("0::" + group + "\n");
  write_v2("cgroup" + group);
  write("cgroup" + group + "/memory.current", "100\n");  // read before a page went inactive
  EXPECT_EQ(usage()->memory_bytes, 100);
}

}  // namespace
}  // namespace holdfast::docker
