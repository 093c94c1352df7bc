#include "runtimes/process/spawn.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtimes/process/proc.h"
#include "runtimes/process/shim/protocol.h"

namespace holdfast::process {

namespace {

// Above the numbers that the shim's descriptors get, so that no dup2 overwrites another one's source.
UniqueFd above_shim_fds(int fd) {
  return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, shim::kFirstFreeFd));
}

Result<UniqueFd> memory_file(const std::string& content) {
  UniqueFd fd(memfd_create("holdfast-start", MFD_CLOEXEC));
  if (!fd) return fail(errno_error("cannot make a memory file", errno));
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = write(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(errno_error("cannot fill a memory file", errno));
    done += static_cast<size_t>(n);
  }
  return fd;
}

class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t set;
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes_, &set);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes_, &set);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    for (const int fd : {0, 1, 2}) posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void give(int fd, int as) { posix_spawn_file_actions_adddup2(&actions_, fd, as); }
  int run(pid_t* pid, const std::string& program, char** argv, char** environment) {
    posix_spawn_file_actions_addclosefrom_np(&actions_, shim::kFirstFreeFd);
    return posix_spawn(pid, program.c_str(), &actions_, &attributes_, argv, environment);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<SpawnedShim> spawn_shim(const std::string& shim_path, const std::string& label,
                               const std::string& block, int lock_fd, int directory_fd) {
  auto memory = memory_file(block);
  if (!memory) return fail(memory.error());
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("cannot make a pipe", errno));
  SpawnedShim spawned;
  spawned.report = UniqueFd(ends[0]);
  const UniqueFd report_end(ends[1]);
  const UniqueFd sources[4] = {above_shim_fds(memory->get()), above_shim_fds(report_end.get()),
                               above_shim_fds(lock_fd), above_shim_fds(directory_fd)};
  SpawnPlan plan;
  constexpr std::array<int, 4> kTargets{shim::kBlockFd, shim::kReportFd, shim::kLockFd, shim::kDirectoryFd};
  for (size_t i = 0; i < kTargets.size(); ++i) {
    if (!sources[i]) return fail(errno_error("cannot duplicate a file descriptor", errno));
    plan.give(sources[i].get(), kTargets.at(i));
  }
  std::string name = "holdfast-shim", argument = label;
  std::array<char*, 3> argv{name.data(), argument.data(), nullptr};
  std::array<char*, 1> environment{};  // nothing, so that the shim holds no secret
  if (const int error = plan.run(&spawned.pid, shim_path, argv.data(), environment.data()); error != 0) {
    Error failure = errno_error("cannot start " + shim_path, error);
    failure.code = ErrorCode::kUnavailable;
    failure.hint = "holdfast-shim is installed beside holdfast; check that it is there and executable";
    return fail(failure);
  }
  spawned.pidfd = open_pidfd(spawned.pid);  // not reaped yet: the pid is certainly this one
  if (!spawned.pidfd) {
    const int error = errno;
    kill(spawned.pid, SIGKILL);
    waitpid(spawned.pid, nullptr, 0);
    return fail(errno_error("cannot watch the new shim", error));
  }
  return spawned;
}

Result<std::string> read_report(int fd, size_t size, int timeout_ms) {
  std::string data;
  while (data.size() < size) {
    pollfd poll_fd{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = poll(&poll_fd, 1, timeout_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return fail(ErrorCode::kTimeout, "the shim didn't answer in time");
    std::array<char, 4096> buffer;
    const ssize_t n = read(fd, buffer.data(), std::min(buffer.size(), size - data.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    data.append(buffer.data(), static_cast<size_t>(n));
  }
  return data;
}

void reap(int pidfd) {
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
}

}  // namespace holdfast::process
