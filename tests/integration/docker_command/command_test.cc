// Commands with real processes: how they end, what they leave, what they can't do to the one who runs them.
#include "runtimes/docker/cli/command.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

class Commands : public testing::Test {
 protected:
  void SetUp() override { open_before_ = open_fds(); }
  // Whatever a test did: no descriptor and no child, dead or alive, may be left.
  void TearDown() override {
    EXPECT_EQ(open_fds(), open_before_);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    EXPECT_EQ(errno, ECHILD);
  }
  static std::ptrdiff_t open_fds() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  }
  Result<Output> shell(const std::string& script, const Patience& patience = {},
                       const OutputLimits& limits = {}, const std::string& input = {}) {
    return run_command({.argv = {"/bin/sh", "-c", script}, .environment = {}, .input = input}, clock_,
                       patience, limits);
  }

  SystemClock clock_;

 private:
  std::ptrdiff_t open_before_ = 0;
};

pid_t pid_in(const std::string& path) {
  const auto text = read_file(path).value_or("");
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  return text.ends_with('\n') ? pid : 0;
}
bool is_gone(pid_t pid) {  // or dead, waiting for init to reap it
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  return !stat || stat->find(") Z ") != std::string::npos || stat->find(") X ") != std::string::npos;
}

TEST_F(Commands, GiveOutputAndExitCode) {
  const auto output = shell("echo out; echo err >&2; exit 3");
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->exit_code, 3);
  EXPECT_EQ(output->out, "out\n");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_TRUE(output->complete);
  EXPECT_EQ(shell("kill -KILL $$")->exit_code, 128 + SIGKILL);
}

TEST_F(Commands, TakeArgumentsForNothingElse) {
  const auto output = run_command({.argv = {"printf", "%s|", "$(id)", "a b", "", "'\"\n"}}, clock_, {});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out, "$(id)|a b||'\"\n|");
}

TEST_F(Commands, HaveTheEnvironmentWithChanges) {
  const auto output = run_command({.argv = {"/bin/sh", "-c", "echo \"$HOME,$GIVEN\""},
                                   .environment = {"HOME=/elsewhere", "GIVEN=a\nb=c"}},
                                  clock_, {});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out, "/elsewhere,a\nb=c\n");
}

TEST_F(Commands, InheritNothingButStdio) {
  const UniqueFd leaky(dup(1));  // without close-on-exec, as a library may have left it
  const auto output = shell("ls /proc/$$/fd");
  ASSERT_TRUE(output) << output.error().message;
  for (const auto* fd : {"0\n", "1\n", "2\n"})
    EXPECT_NE(output->out.find(fd), std::string::npos) << output->out;
  EXPECT_EQ(output->out.find("\n" + std::to_string(leaky.get()) + "\n"), std::string::npos) << output->out;
}

TEST_F(Commands, HaveDefaultSignalsAndAGroupOfTheirOwn) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const auto output =
      shell("grep '^SigIgn' /proc/$$/status | cut -f2; test $(cut -d' ' -f5 /proc/$$/stat) = $$");
  std::signal(SIGPIPE, before);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->exit_code, 0) << "not the leader of its group";
  EXPECT_EQ(std::stoull(output->out, nullptr, 16) & 0x7fffffffULL, 0u) << "beyond are those of the C library";
}

TEST_F(Commands, AreUnavailableIfMissing) {
  const auto missing = run_command({.argv = {"no-such-program-anywhere"}}, clock_, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(missing.error().message, "the no-such-program-anywhere command is not installed");
  EXPECT_FALSE(missing.error().hint.empty());
  EXPECT_FALSE(run_command({.argv = {"/no/such/program"}}, clock_, {}));
  EXPECT_EQ(run_command({.argv = {"/dev/null"}}, clock_, {}).error().code, ErrorCode::kPermission);
  EXPECT_EQ(run_command({}, clock_, {}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(run_command({.argv = {"true"}, .environment = {"BIG=" + std::string(1u << 20, 'x')}}, clock_, {})
                .error()
                .code,
            ErrorCode::kInvalid);
}

TEST_F(Commands, ReadBigInputWhileTheyWrite) {
  const std::string input(size_t{24} << 20, 'x');  // far beyond what pipes hold
  const auto output = shell("cat", {}, {}, input);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out.size(), input.size());
  EXPECT_EQ(output->out, input);
}

TEST_F(Commands, MayLeaveTheirInputUnread) {
  const auto output = shell("exec 0<&-; echo done", {}, {}, std::string(size_t{8} << 20, 'x'));
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out, "done\n");
}

TEST_F(Commands, CanOpenTheirInputByName) {
  EXPECT_EQ(shell("cat /dev/stdin", {}, {}, "a line\n")->out, "a line\n");
  EXPECT_EQ(shell("cat")->out, "") << "/dev/null";
}

TEST_F(Commands, AreReadToTheEndThoughLittleIsKept) {
  const auto output =
      shell("head -c 5000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2; exit 4", {},
            {.out = 1000, .err = 10});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->exit_code, 4);
  EXPECT_EQ(output->out, std::string(1000, 'x'));
  EXPECT_EQ(output->err, std::string(10, 'y'));
  EXPECT_FALSE(output->complete);
}

TEST_F(Commands, AreKilledWithTheirGroupAfterTheDeadline) {
  const test::TempDir dir;
  const auto path = dir / "grandchild";
  test::SimClock clock;
  std::optional<Result<Output>> output;
  std::thread thread([&] {
    output = run_command({.argv = {"/bin/sh", "-c",
                                   "trap '' TERM; (sh -c 'trap \"\" TERM; echo $$ >" + path +
                                       "; sleep 600; echo no'; echo no); echo no"}},
                         clock, {.total = std::chrono::milliseconds{50}, .silence = {}, .stop = {}});
  });
  ASSERT_TRUE(test::wait_until([&] { return pid_in(path) != 0; }));
  EXPECT_FALSE(is_gone(pid_in(path)));
  clock.advance(std::chrono::milliseconds{50});
  thread.join();
  ASSERT_FALSE(*output);
  EXPECT_EQ(output->error().code, ErrorCode::kTimeout) << output->error().message;
  EXPECT_TRUE(test::wait_until([&] { return is_gone(pid_in(path)); }));
}

TEST_F(Commands, AreKilledWhenTheyFallSilent) {
  test::SimClock clock;
  std::atomic<int> lines{0};
  std::optional<Result<Output>> output;
  std::thread thread([&] {
    output = run_lines({.argv = {"/bin/sh", "-c", "echo one; sleep 600"}}, clock,
                       {.total = {}, .silence = std::chrono::milliseconds{50}, .stop = {}},
                       [&](std::string_view) { ++lines; });
  });
  EXPECT_TRUE(test::wait_until([&] { return lines == 1; }));
  clock.advance(std::chrono::milliseconds{50});
  thread.join();
  ASSERT_FALSE(*output);
  EXPECT_EQ(output->error().code, ErrorCode::kTimeout) << output->error().message;
}

TEST_F(Commands, AreNotOutlivedByTheirGroup) {
  const test::TempDir dir;
  const auto path = dir / "left";
  // It holds the pipes open, and its parent ends well.
  const auto output = shell("sleep 600 & echo $! >" + path + "; echo done");
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out, "done\n");
  const pid_t left = pid_in(path);
  ASSERT_GT(left, 0);
  EXPECT_TRUE(test::wait_until([&] { return is_gone(left); }));
}

TEST_F(Commands, DontWaitForStrangersThatHoldThePipes) {
  const test::TempDir dir;
  const auto path = dir / "stranger";
  const auto output = shell("setsid sh -c 'echo $$ >" + path + "; exec sleep 600' & while ! grep -q . " +
                            path + " 2>/dev/null; do :; done; echo done");
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out, "done\n");
  const pid_t stranger = pid_in(path);
  ASSERT_GT(stranger, 0);
  EXPECT_FALSE(is_gone(stranger));
  kill(stranger, SIGKILL);
}

TEST_F(Commands, StopWhenAsked) {
  std::stop_source stop;
  std::atomic<bool> heard{false};
  std::optional<Result<Output>> output;
  std::thread thread([&] {
    output = run_lines({.argv = {"/bin/sh", "-c", "echo ready; sleep 600"}}, clock_,
                       {.total = {}, .silence = {}, .stop = stop.get_token()},
                       [&](std::string_view) { heard = true; });
  });
  EXPECT_TRUE(test::wait_until([&] { return heard.load(); }));
  stop.request_stop();
  thread.join();
  ASSERT_FALSE(*output);
  EXPECT_EQ(output->error().code, ErrorCode::kUnavailable);
}

TEST_F(Commands, ToldToStopBeforehandDontRunOn) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(shell("sleep 600", {.total = {}, .silence = {}, .stop = stop.get_token()}));
}

TEST_F(Commands, TellLinesAsTheyCome) {
  std::vector<std::string> lines;
  bool started = false;
  const auto output = run_lines(
      {.argv = {"/bin/sh", "-c", "printf 'a\\n\\nb'; echo err >&2; exit 2"}}, clock_, {},
      [&](std::string_view line) {
        EXPECT_TRUE(started);
        lines.emplace_back(line);
      },
      [&] { started = true; });
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(output->exit_code, 2);
}

TEST_F(Commands, CutLinesThatAreTooLong) {
  std::vector<size_t> sizes;
  const auto output =
      run_lines({.argv = {"/bin/sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo b"}}, clock_,
                {}, [&](std::string_view line) { sizes.push_back(line.size()); });
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(sizes, (std::vector<size_t>{1u << 20, 1}));
}

TEST_F(Commands, RunOnManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 8; ++k) {
        const std::string input(70'000, static_cast<char>('a' + i));
        const auto output = shell("cat; cat /dev/null >&2; exit " + std::to_string(i), {}, {}, input);
        if (output && output->out == input && output->exit_code == i) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 48);
}

TEST_F(Commands, KilledByTheirDestructorAreReaped) {
  auto child = Child::start({.argv = {"sleep", "600"}});
  ASSERT_TRUE(child) << child.error().message;
}

}  // namespace
}  // namespace holdfast::docker
