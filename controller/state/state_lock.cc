#include "controller/state/state_lock.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"

namespace holdfast::state {

namespace {

// The pid in the file is output for people: only the flock says whether it holds.
std::string holder(const std::string& path) {
  const auto text = read_file(path, 64);
  const long pid = text ? std::strtol(text->c_str(), nullptr, 10) : 0;
  return pid > 0 ? "pid " + std::to_string(pid) : "pid not known";
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
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return fail(errno_error("cannot lock " + path, errno));
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
