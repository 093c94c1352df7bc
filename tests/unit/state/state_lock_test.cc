#include "controller/state/state_lock.h"

#include <filesystem>
#include <fstream>
#include <future>

#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "tests/support/support.h"

namespace holdfast::state {
namespace {

using ::testing::HasSubstr;

TEST(StateLock, HoldsAndNamesTheHolder) {
  const holdfast::test::TempDir dir;
  {
    const auto first = StateLock::acquire(dir / "state");
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(read_file(dir / "state/lock"), std::to_string(getpid()) + "\n");
    const auto second = StateLock::acquire(dir / "state");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kConflict);
    EXPECT_THAT(second.error().message, HasSubstr("pid " + std::to_string(getpid())));
    EXPECT_THAT(second.error().hint, HasSubstr("--state-dir"));
  }
  EXPECT_TRUE(StateLock::acquire(dir / "state"));
}

TEST(StateLock, IgnoresAStaleOrForeignPid) {
  for (const auto* text : {"1\n", "999999999\n", "", "not a pid", "-5"}) {
    const holdfast::test::TempDir dir;
    std::ofstream(dir / "lock") << text;
    const auto lock = StateLock::acquire(dir.path());
    EXPECT_TRUE(lock) << text;
    EXPECT_EQ(read_file(dir / "lock"), std::to_string(getpid()) + "\n");
  }
}

TEST(StateLock, IsReleasedWhenItsHolderIsKilled) {
  const holdfast::test::TempDir dir;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = StateLock::acquire(dir.path());
    const char answer = lock ? 'y' : 'n';
    if (write(ready[1], &answer, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const auto refused = StateLock::acquire(dir.path());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("pid " + std::to_string(child)));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(StateLock::acquire(dir.path()));
  close(ready[0]);
  close(ready[1]);
}

// A controller killed between fork and exec: its child has the lock for a moment more.
TEST(StateLock, WaitsForWhatADeadHolderLeft) {
  const holdfast::test::TempDir dir;
  int ready[2], hold[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(hold), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const auto lock = StateLock::acquire(dir.path());
    if (fork() != 0) _exit(lock ? 0 : 1);
    close(hold[1]);
    char byte = 'y';
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    _exit(static_cast<int>(read(hold[0], &byte, 1)));  // until the other end is closed
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(holder, &status, 0), holder);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto acquired = std::async(std::launch::async, [&] { return StateLock::acquire(dir.path()).has_value(); });
  close(hold[1]);
  EXPECT_TRUE(acquired.get());
  for (const int fd : {ready[0], ready[1], hold[0]}) close(fd);
}

TEST(StateLock, RefusesASymbolicLink) {
  const holdfast::test::TempDir dir;
  std::ofstream(dir / "victim") << "precious";
  std::filesystem::create_symlink(dir / "victim", dir / "lock");
  EXPECT_FALSE(StateLock::acquire(dir.path()));
  EXPECT_EQ(read_file(dir / "victim"), "precious");
}

}  // namespace
}  // namespace holdfast::state
