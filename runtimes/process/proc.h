// What /proc tells about processes that are not ours to wait for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "controller/base/unique_fd.h"

namespace holdfast::process {

struct ProcStat {
  char state = '?';  // Z: a zombie
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;  // clock ticks since boot
  double cpu_seconds = 0;         // its own
  double reaped_cpu_seconds = 0;  // of children it has waited for
};

std::optional<ProcStat> read_proc_stat(pid_t pid);
std::vector<pid_t> all_pids();
// Every descendant of pid, parents before children.
std::vector<pid_t> descendants(pid_t pid);
// The command line, arguments separated by NUL.
std::string read_cmdline(pid_t pid);
// Living processes (no zombies) whose initial environment holds the line `variable`.
std::vector<pid_t> pids_with_environment(const std::string& variable);

UniqueFd open_pidfd(pid_t pid);    // empty: no such process
bool pidfd_has_exited(int pidfd);  // true for a zombie too
bool send_signal(int pidfd, int signal);
// With a value, as sigqueue(3) does.
bool queue_signal(int pidfd, int signal, int value);

// Kills each of pids that still has the environment line (which guards against reused pids).
void kill_marked(const std::vector<pid_t>& pids, const std::string& variable);

}  // namespace holdfast::process
