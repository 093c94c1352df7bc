#include "examples/streaming-converter/subprocess.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"
#include "examples/streaming-converter/join.h"

namespace holdfast::examples {

namespace {

constexpr size_t kMaxReport = 4096;

std::string read_report(int fd) {
  std::string text;
  std::array<char, 512> buffer;
  for (;;) {
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    if (text.size() < kMaxReport) text.append(buffer.data(), static_cast<size_t>(n));
  }
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

Result<pid_t> spawn_self(const std::vector<std::string>& arguments, int stdout_fd) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(errno_error("cannot start the conversion", error));
  return pid;
}

}  // namespace

Status join_in_subprocess(const std::vector<std::string>& inputs, const std::string& group,
                          const std::string& output) {
  std::vector<std::string> arguments{"streaming-converter", kJoinCommand, std::to_string(getpid()), group,
                                     output};
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("cannot make a pipe", errno));
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const auto pid = spawn_self(arguments, writer.get());
  if (!pid) return fail(pid.error());
  writer.reset();
  const auto report = read_report(reader.get());
  const int status = wait_for(*pid);
  if (WIFSIGNALED(status)) {
    return fail(ErrorCode::kInternal, "the conversion of " + group + " was killed by signal " +
                                          std::to_string(WTERMSIG(status)) + " (" +
                                          strsignal(WTERMSIG(status)) + ")");
  }
  if (WEXITSTATUS(status) != 0) {
    return fail(ErrorCode::kInvalid, report.empty() ? "the conversion of " + group + " failed" : report);
  }
  return {};
}

int run_join_command(const std::vector<std::string>& argv) {
  if (argv.size() < 6) return 2;
  // Without its parent nobody would publish the result. The parent may be gone before the kernel knows our
  // wish.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (std::to_string(getppid()) != argv[2]) return 1;
  const auto joined = join_subbands({argv.begin() + 5, argv.end()}, argv[3], argv[4]);
  if (joined) return 0;
  std::fputs(joined.error().message.c_str(), stdout);
  return 1;
}

}  // namespace holdfast::examples
