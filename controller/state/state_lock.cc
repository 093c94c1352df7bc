#include "controller/state/state_lock.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"

namespace holdfast::state {

namespace {

using namespace std::chrono_literals;
constexpr int kPatience = 500;  // looks at a lock whose holder is dead
constexpr auto kPause = 10ms;   // between two of them

pid_t pid_in(const std::string& path) {
  const auto text = read_file(path, 64);
  return text ? static_cast<pid_t>(std::strtol(text->c_str(), nullptr, 10)) : 0;
}

// The pid in the file is output for people: only the flock says whether it holds.
std::string holder(const std::string& path) {
  const auto pid = pid_in(path);
  return pid > 0 ? "pid " + std::to_string(pid) : "pid not known";
}

// Takes the lock, or fails with errno. A controller that was killed while it began a program leaves the lock
// to that program's process until its exec, a moment later: a dead holder is waited for.
int take(int fd, const std::string& path) {
  for (int looks = 0;;) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
    const int why = errno;
    const auto pid = pid_in(path);
    const bool dead = why == EWOULDBLOCK && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
    if (why != EINTR && (!dead || ++looks > kPatience)) return why;
    if (dead) std::this_thread::sleep_for(kPause);
  }
}

// False if somebody removed or replaced the file: a lock on it would exclude nobody.
bool is_file_at(int fd, const std::string& path) {
  struct stat ours{}, there{};
  return fstat(fd, &ours) == 0 && lstat(path.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

void write_pid(int fd, const std::string& path) {
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) == 0 && pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size()))
    return;
  log::warning("cannot write the pid into the lock file; the lock holds nevertheless", {{"path", path}});
}

}  // namespace

Result<StateLock> StateLock::acquire(const std::string& state_dir) {
  if (auto made = make_directories(state_dir); !made) {
    auto error = made.error();
    error.hint = "choose a state directory that can be written with --state-dir";
    return fail(error);
  }
  const std::string path = state_dir + "/lock";
  for (;;) {
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) {
      auto error = errno_error("cannot open the lock file " + path, errno);
      error.hint =
          "give the controller's user write access to " + state_dir + " or choose another --state-dir";
      return fail(error);
    }
    if (const int why = take(fd.get(), path); why != 0) {
      if (why != EWOULDBLOCK) return fail(errno_error("cannot lock " + path, why));
      return fail(ErrorCode::kConflict,
                  "another controller (" + holder(path) + ") uses the state directory " + state_dir,
                  "stop it, or start this one with another --state-dir");
    }
    if (!is_file_at(fd.get(), path)) continue;
    write_pid(fd.get(), path);
    return StateLock(std::move(fd));
  }
}

}  // namespace holdfast::state
