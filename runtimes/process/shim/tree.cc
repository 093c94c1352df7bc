#include "runtimes/process/shim/tree.h"

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtimes/process/shim/text.h"

namespace holdfast::shim {

namespace {

void kill_cgroup_members(const char* kill_cgroup) {
  if (kill_cgroup[0] == '\0') return;
  char path_buffer[1024];
  Text path(path_buffer, sizeof path_buffer);
  path.add(kill_cgroup).add("/cgroup.kill");
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, "1", 1);
  close(fd);
}

// Kills what was read as a child of `parent` if it still is one, or has become the shim's: the pid may be
// another's by now, and the group of a stranger must not be touched. The pidfd holds on to what is checked.
// The shim is a session leader of its own, so its group is never that of a descendant.
void kill_one(int pid, int parent) {
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0u));
  if (pidfd < 0) return;
  int parent_now = 0;
  std::uint64_t start_ticks = 0;
  if (read_stat(pid, &start_ticks, &parent_now) && (parent_now == parent || parent_now == getpid())) {
    const pid_t group = getpgid(pid);
    if (group > 1 && group != getpgrp()) kill(-group, SIGKILL);
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0u);
  }
  close(pidfd);
}

// Calls kill_one for every descendant of `pid`, deepest first, as /proc/<pid>/task/*/children lists them.
void kill_below(int pid, int depth) {
  char path_buffer[64];
  Text path(path_buffer, sizeof path_buffer);
  path.add("/proc/").add(std::int64_t{pid}).add("/task");
  DIR* tasks = opendir(path.c_str());
  if (tasks == nullptr) return;
  while (const dirent* task = readdir(tasks)) {
    if (task->d_name[0] == '.') continue;
    char list_buffer[96];
    Text list(list_buffer, sizeof list_buffer);
    list.add("/proc/").add(std::int64_t{pid}).add("/task/").add(task->d_name).add("/children");
    char children[2048];  // what doesn't fit is found in the next pass
    std::string_view text = read_small(list.c_str(), children, sizeof children);
    if (text.size() == sizeof children - 1) text = text.substr(0, text.rfind(' '));
    const char* at = text.data();
    while (at != nullptr && at < text.data() + text.size()) {
      char* end = nullptr;
      const auto child = static_cast<int>(std::strtol(at, &end, 10));
      if (child <= 1 || end == at) break;
      if (depth < 32) kill_below(child, depth + 1);
      kill_one(child, pid);
      at = end;
    }
  }
  closedir(tasks);
}

}  // namespace

void kill_descendants(const char* kill_cgroup) {
  kill_cgroup_members(kill_cgroup);
  kill_below(getpid(), 0);
}

}  // namespace holdfast::shim
