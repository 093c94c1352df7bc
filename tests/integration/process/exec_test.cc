// Commands beside a service, as exec probes run them.
#include <csignal>
#include <filesystem>

#include <unistd.h>

#include "runtimes/process/proc.h"
#include "tests/integration/process/fixture.h"

namespace holdfast::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class ExecTest : public ProcessTest {
 protected:
  Result<ExecResult> run(const std::vector<std::string>& argv, Duration timeout = seconds{30}) {
    return runtime().exec()->run({"web", 0}, argv, timeout);
  }
  Result<ExecResult> run_service(std::vector<std::string> words, Duration timeout = seconds{30}) {
    words.insert(words.begin(), HOLDFAST_TEST_SERVICE);
    return run(words, timeout);
  }
};

TEST_F(ExecTest, GivesExitCodeAndOutput) {
  ASSERT_TRUE(start("web", {"pause"}));
  const auto result = run_service({"print", "out", "eprint", "err", "exit", "3"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "out\nerr\n");
  EXPECT_EQ(run_service({"raise", "9"})->exit_code, 137);
}

TEST_F(ExecTest, SharesDirectoryAndEnvironmentWithTheService) {
  TempDir directory;
  auto spec = ProcessWorld::spec("web", {"pause"});
  spec.env["COLOUR"] = "blue";
  spec.working_dir = directory.path();
  ASSERT_TRUE(start(spec));
  const auto result = run_service({"env", "COLOUR", "ids"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_THAT(result->output, HasSubstr("COLOUR=blue"));
  EXPECT_THAT(result->output, HasSubstr("cwd " + directory.path()));
  EXPECT_EQ(run({"true"})->exit_code, 0);  // by the service's PATH
}

TEST_F(ExecTest, ADeadlineEndsTheWholeTree) {
  ASSERT_TRUE(start("web", {"pause"}));
  const std::string mark = world_.state_dir() + "/probe";
  const auto result = run_service({"escape", "2", "spawn", "2", "touch", mark, "pause"}, milliseconds{500});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  // The service itself is all that is left with its mark.
  EXPECT_EQ(processes_of(world_, "web").size(), 1u);
  EXPECT_TRUE(is("web", Phase::kRunning));
}

TEST_F(ExecTest, WhatACommandLeavesBehindEndsWithIt) {
  ASSERT_TRUE(start("web", {"pause"}));
  ASSERT_TRUE(run_service({"escape", "2", "spawn", "2"}));
  EXPECT_EQ(processes_of(world_, "web").size(), 1u);
}

TEST_F(ExecTest, OutputIsCappedAndNeverBlocks) {
  ASSERT_TRUE(start("web", {"pause"}));
  const auto result = run_service({"lines", "0", "100000", "exit", "0"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->output.size(), 4096u);
}

TEST_F(ExecTest, WhatCannotRunIsAnError) {
  EXPECT_EQ(run({"true"}).error().code, ErrorCode::kNotFound);  // no service
  ASSERT_TRUE(start("web", {"pause"}));
  EXPECT_EQ(run({"/no/such/probe"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(run({"no-such-probe"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(run({}).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(kill("web"));
  exit_of("web");
  EXPECT_EQ(run({"true"}).error().code, ErrorCode::kNotFound);
}

TEST_F(ExecTest, WorksAfterAdoption) {
  auto spec = ProcessWorld::spec("web", {"pause"});
  spec.env["COLOUR"] = "green";
  ASSERT_TRUE(start(spec));
  world_.replace_adapter();
  EXPECT_THAT(run_service({"env", "COLOUR"})->output, HasSubstr("COLOUR=green"));
}

TEST_F(ExecTest, LeavesNoZombie) {
  ASSERT_TRUE(start("web", {"pause"}));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(run({"true"}));
  for (const pid_t pid : process::all_pids()) {
    const auto stat = process::read_proc_stat(pid);
    EXPECT_FALSE(stat && stat->parent == getpid() && stat->state == 'Z') << pid;
  }
}

}  // namespace
}  // namespace holdfast::test
