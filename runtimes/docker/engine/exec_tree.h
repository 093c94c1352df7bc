// What a command in a container has started, as this machine's process table shows it.
#pragma once

#include <string>

#include <sys/types.h>

namespace holdfast::docker {

// Kills `pid`, what descends from it and what shares its session (an engine gives every exec one of its own,
// and orphans keep it), each only if its cgroup names the container: pids that aren't this machine's, or
// were reused, are left alone. Waits briefly for them to go, as some may be forking. Thread-safe.
void kill_exec_tree(pid_t pid, const std::string& container_id);

}  // namespace holdfast::docker
