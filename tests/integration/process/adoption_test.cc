// What a controller finds that comes after another one.
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/json.h"
#include "runtimes/process/proc.h"
#include "runtimes/process/records.h"
#include "tests/integration/process/fixture.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;

class AdoptionTest : public ProcessTest {
 protected:
  // Kills the shim while no adapter looks, and takes it off the process table.
  void kill_shim_unseen(const std::string& service) {
    const pid_t shim = shim_of(world_, service);
    ASSERT_GT(shim, 0);
    world_.drop_adapter();
    ASSERT_EQ(::kill(shim, SIGKILL), 0);
    ASSERT_EQ(waitpid(shim, nullptr, 0), shim);
    ASSERT_TRUE(wait_until([&] { return processes_of(world_, service).empty(); }));
  }
  void edit_record(const std::string& service, const std::string& key, Json value) {
    const std::string path = world_.run_dir(service) + "/shim.json";
    auto json = parse_json(read_file(path).value()).value();
    json.set(key, std::move(value));
    ASSERT_TRUE(write_file_atomically(path, dump_json(json)));
  }
};

TEST_F(AdoptionTest, ARecordOfAnotherBootIsAnExit) {
  ASSERT_TRUE(start("web", {"pause"}, 5));
  kill_shim_unseen("web");
  edit_record("web", "boot_id", "11111111-2222-3333-4444-555555555555");
  world_.replace_adapter();
  const auto seen = observe("web");
  ASSERT_TRUE(seen);
  ASSERT_EQ(seen->phase, Phase::kExited);
  EXPECT_EQ(seen->incarnation, 5u);
  EXPECT_FALSE(seen->exit->code || seen->exit->signal);
  EXPECT_EQ(seen->exit->reason, "the machine was restarted");
  EXPECT_FALSE(seen->started_at);  // a monotonic time of another boot
}

TEST_F(AdoptionTest, AReusedPidIsNotTheService) {
  ASSERT_TRUE(start("web", {"pause"}));
  const pid_t shim = shim_of(world_, "web");
  const auto main = static_cast<pid_t>(*observe("web")->pid);
  kill_shim_unseen("web");
  // A stranger takes each of the pids. Without the right to choose pids, the records are bent instead.
  std::map<pid_t, pid_t> strangers;
  for (const pid_t wanted : {shim, main}) {
    pid_t stranger = 0;
    for (int i = 0; i < 50 && stranger != wanted; ++i) {
      if (stranger != 0) {
        ::kill(stranger, SIGKILL);
        waitpid(stranger, nullptr, 0);
      }
      std::ofstream("/proc/sys/kernel/ns_last_pid") << wanted - 1;
      stranger = fork();
      if (stranger == 0) {
        for (;;) pause();
      }
    }
    strangers[wanted] = stranger;
  }
  const auto ticks = [&](pid_t pid) { return process::read_proc_stat(strangers[pid])->start_ticks; };
  edit_record("web", "shim_pid", strangers[shim]);
  edit_record("web", "shim_start", ticks(shim));  // even the start time is the same, as within one clock tick
  edit_record("web", "child_pid", strangers[main]);
  edit_record("web", "child_start", ticks(main));
  world_.replace_adapter();
  exit_of("web");
  EXPECT_TRUE(kill("web"));
  EXPECT_TRUE(signal("web", SIGTERM));
  for (const auto& [wanted, stranger] : strangers) {
    EXPECT_EQ(waitpid(stranger, nullptr, WNOHANG), 0) << "a stranger was harmed";
    ::kill(stranger, SIGKILL);
    waitpid(stranger, nullptr, 0);
  }
}

TEST_F(AdoptionTest, ACorruptRecordOfALivingServiceIsUnknownAndKillable) {
  ASSERT_TRUE(start("web", {"spawn", "2", "print", "up", "pause"}, 9));
  ASSERT_TRUE(says("web", "up"));
  for (const std::string damage :
       {"", "{\"incarnation\":", "\0\0\0\0", "[]", "{\"incarnation\":9,\"ordinal\":0}"}) {
    std::ofstream(world_.run_dir("web") + "/shim.json") << damage;
    world_.replace_adapter();
    const auto seen = observe("web");
    ASSERT_TRUE(seen);
    ASSERT_EQ(seen->phase, Phase::kUnknown);
    EXPECT_EQ(seen->incarnation, 9u);
    EXPECT_THAT(seen->message, HasSubstr("shim.json"));
    EXPECT_EQ(start("web", {"pause"}, 10).error().code, ErrorCode::kConflict);
  }
  EXPECT_TRUE(std::ifstream(world_.run_dir("web") + "/shim.json.corrupt").good());
  ASSERT_TRUE(kill("web", 9));
  EXPECT_EQ(exit_of("web").signal, SIGKILL);
  EXPECT_TRUE(start("web", {"pause"}, 10));
}

TEST_F(AdoptionTest, ACorruptRecordOfADeadServiceIsSetAside) {
  ASSERT_TRUE(start("web", {"exit", "1"}));
  exit_of("web");
  ASSERT_TRUE(start("api", {"exit", "2"}));
  exit_of("api");
  std::ofstream(world_.run_dir("web") + "/shim.json") << "junk";
  world_.replace_adapter();
  EXPECT_FALSE(observe("web"));
  EXPECT_EQ(exit_of("api").code, 2);  // the others are none the worse
  EXPECT_TRUE(start("web", {"pause"}, 2));
}

TEST_F(AdoptionTest, ACorruptExitRecordIsAnUnknownExit) {
  ASSERT_TRUE(start("web", {"exit", "1"}));
  exit_of("web");
  std::ofstream(world_.run_dir("web") + "/exit.json") << "junk";
  world_.replace_adapter();
  const auto exit = exit_of("web");
  EXPECT_FALSE(exit.code || exit.signal);
}

TEST_F(AdoptionTest, StrangeFilesInTheRunDirectoryAreNoServices) {
  ASSERT_TRUE(make_directories(world_.state_dir() + "/run/web/notes"));
  ASSERT_TRUE(make_directories(world_.state_dir() + "/run/web/-1"));
  ASSERT_TRUE(make_directories(world_.state_dir() + "/run/web/0"));
  ASSERT_TRUE(write_file_atomically(world_.state_dir() + "/run/README", "x"));
  world_.replace_adapter();
  EXPECT_TRUE(runtime().list_owned()->empty());
}

TEST_F(AdoptionTest, AnExitWhileNoControllerLookedIsNotLost) {
  const std::string gate = world_.state_dir() + "/gate";
  ASSERT_TRUE(start("web", {"wait-for", gate, "print", "last words", "exit", "42"}));
  const pid_t shim = shim_of(world_, "web");
  world_.drop_adapter();
  ASSERT_TRUE(write_file_atomically(gate, ""));
  ASSERT_EQ(waitpid(shim, nullptr, 0), shim);
  world_.replace_adapter();
  const auto seen = observe("web");
  ASSERT_EQ(seen->phase, Phase::kExited);
  EXPECT_EQ(seen->exit->code, 42);
  EXPECT_EQ(texts("web").back(), "last words");
}

TEST_F(AdoptionTest, ADeletedLockOrDirectoryDoesNotEndAService) {
  ASSERT_TRUE(start("web", {"pause"}));
  const auto pid = observe("web")->pid;
  ASSERT_EQ(unlink((world_.run_dir("web") + "/lock").c_str()), 0);
  world_.replace_adapter();
  ASSERT_TRUE(is("web", Phase::kRunning));
  EXPECT_EQ(observe("web")->pid, pid);
  std::filesystem::remove_all(world_.run_dir("web"));
  EXPECT_TRUE(is("web", Phase::kRunning));
  ASSERT_TRUE(kill("web"));
  exit_of("web");
  ASSERT_TRUE(start("web", {"exit", "4"}, 2));
  EXPECT_EQ(exit_of("web").code, 4);
}

TEST_F(AdoptionTest, AStartThatNobodyFinishedIsSeenAndNotDoubled) {
  // As if the controller had died while the shim was about to record the start.
  ASSERT_TRUE(start("web", {"pause"}, 3));
  const std::string record = world_.run_dir("web") + "/shim.json";
  world_.drop_adapter();
  ASSERT_EQ(rename(record.c_str(), (record + ".later").c_str()), 0);
  world_.replace_adapter();
  EXPECT_TRUE(is("web", Phase::kUnknown));
  EXPECT_EQ(start("web", {"pause"}, 4).error().code, ErrorCode::kConflict);
  ASSERT_EQ(rename((record + ".later").c_str(), record.c_str()), 0);
  ASSERT_TRUE(wait_until([&] { return is("web", Phase::kRunning); }));
  EXPECT_EQ(observe("web")->incarnation, 3u);
}

// Another process holds the adapter, and is killed again and again.
class KilledControllerTest : public ProcessTest {
 protected:
  // Runs a controller over this state dir and kills it after about `ms`.
  void run_and_kill(unsigned seed, int ms) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = HOLDFAST_TEST_CONTROLLER, directory = world_.state_dir(),
                number = std::to_string(seed);
    std::array<char*, 4> argv{program.data(), directory.data(), number.data(), nullptr};
    pid_t pid = 0;
    ASSERT_EQ(posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    std::array<char, 8> ready{};
    EXPECT_GT(read(ends[0], ready.data(), ready.size()), 0) << "the controller doesn't come up";
    pollfd never{.fd = ends[0], .events = 0, .revents = 0};
    poll(&never, 1, ms);
    ::kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(ends[0]);
  }

  void check(const std::string& service) {
    ASSERT_TRUE(wait_until([&] {
      const auto seen = observe(service);
      return !seen || seen->phase != Phase::kUnknown;
    }));
    // No incarnation has been started twice.
    std::ifstream started(world_.state_dir() + "/started-" + service);
    std::set<std::uint64_t> incarnations;
    std::uint64_t newest = 0;
    for (std::uint64_t next = 0; started >> next;) {
      EXPECT_TRUE(incarnations.insert(next).second) << service << " " << next << " was started twice";
      newest = std::max(newest, next);
    }
    const auto seen = observe(service);
    if (!seen) return;
    EXPECT_GE(seen->incarnation, newest);
    if (seen->phase == Phase::kExited) {
      EXPECT_TRUE(seen->exit->code || seen->exit->signal) << seen->exit->reason;  // no exit status is lost
      EXPECT_EQ(seen->exit->code.value_or(7), 7) << seen->exit->reason;
    }
  }

  // Only what is observed as running runs: the main process and the one that escaped.
  void check_processes() {
    std::map<std::string, size_t> alive;
    for (const pid_t pid : process::all_pids()) {
      const auto cmdline = process::read_cmdline(pid);
      const auto stat = process::read_proc_stat(pid);
      if (!stat || stat->state == 'Z' || !cmdline.starts_with(HOLDFAST_TEST_SERVICE)) continue;
      const size_t at = cmdline.find(world_.state_dir() + "/started-");
      if (at == std::string::npos) continue;
      const size_t name = at + world_.state_dir().size() + 9;
      ++alive[cmdline.substr(name, cmdline.find('\0', name) - name)];
    }
    for (const auto& [service, count] : alive) {
      EXPECT_FALSE(is(service, Phase::kExited)) << service << " runs and was seen as exited";
      EXPECT_LE(count, 3u) << service;  // and, for a moment, the one between the two
    }
  }

  // Each run counts from zero without a gap.
  void check_logs(const std::string& service) {
    long expected = 0;
    for (const auto& line : log_lines(service)) {
      long number = -1;
      ASSERT_EQ(std::sscanf(line.text.c_str(), "count %ld", &number), 1) << line.text;
      if (number == 0) expected = 0;
      ASSERT_EQ(number, expected) << service;
      ++expected;
    }
  }
};

TEST_F(KilledControllerTest, AtRandomMomentsLosesAndDoublesNothing) {
  std::mt19937 random(20'260'101);
  for (unsigned round = 0; round < 50; ++round) {
    world_.drop_adapter();
    run_and_kill(round, static_cast<int>(random() % 60));
    world_.replace_adapter();
    for (const char* service : {"s0", "s1", "s2", "s3", "s4"})
      ASSERT_NO_FATAL_FAILURE(check(service)) << round;
    check_processes();
    if (HasFailure()) FAIL() << "in round " << round;
  }
  for (const char* service : {"s0", "s1", "s2", "s3", "s4"}) check_logs(service);
}

}  // namespace
}  // namespace holdfast::test
