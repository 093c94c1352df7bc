#include "runtimes/docker/engine/exec_tree.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/unique_fd.h"

namespace holdfast::docker {

namespace {

namespace fs = std::filesystem;

constexpr int kRounds = 20;
constexpr int kWaitMs = 50;  // of a round, for what was killed to be gone

struct Process {
  char state = '?';
  pid_t parent = 0, session = 0;
};

std::string proc_file(pid_t pid, const char* name) {
  return read_file("/proc/" + std::to_string(pid) + "/" + name, 64 << 10).value_or(std::string());
}

// proc(5): the name in parentheses may hold anything, a parenthesis too.
std::optional<Process> read_process(pid_t pid) {
  const auto stat = proc_file(pid, "stat");
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  Process out;
  int group = 0;
  // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
  if (std::sscanf(stat.c_str() + name_end + 1, " %c %d %d %d", &out.state, &out.parent, &group,
                  &out.session) != 4)
    return std::nullopt;
  return out;
}

std::map<pid_t, Process> all_processes() {
  std::map<pid_t, Process> out;
  std::error_code ignored;
  for (auto it = fs::directory_iterator("/proc", ignored); it != fs::directory_iterator();
       it.increment(ignored)) {
    const auto name = it->path().filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    if (const auto process = read_process(pid)) out[pid] = *process;
  }
  return out;
}

// Of those that live: the tree of `root` and its session, and what is below any of `known`.
std::set<pid_t> tree_of(pid_t root, const std::set<pid_t>& known, const std::map<pid_t, Process>& processes) {
  std::set<pid_t> tree;
  for (size_t before = 1; before != tree.size();) {
    before = tree.size();
    for (const auto& [pid, process] : processes) {
      const bool part = pid == root || process.session == root || known.contains(pid) ||
                        tree.contains(process.parent) || known.contains(process.parent);
      if (part) tree.insert(pid);
    }
    if (tree.empty()) break;
  }
  std::erase_if(tree, [&](pid_t pid) {
    const char state = processes.at(pid).state;
    return state == 'Z' || state == 'X';
  });
  return tree;
}

// The descriptor of the process, if it was killed. What is read after it was opened is of that process, or of
// one that has its pid after it; then the signal goes nowhere.
UniqueFd kill_within(pid_t pid, const std::string& container_id) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0u)));
  if (!fd || proc_file(pid, "cgroup").find(container_id) == std::string::npos) return {};
  if (syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0u) != 0) return {};
  return fd;
}

}  // namespace

void kill_exec_tree(pid_t pid, const std::string& container_id) {
  if (pid <= 1 || container_id.empty()) return;
  std::set<pid_t> known;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<UniqueFd> killed;
    for (const pid_t victim : tree_of(pid, known, all_processes())) {
      if (auto fd = kill_within(victim, container_id)) {
        known.insert(victim);
        killed.push_back(std::move(fd));
      }
    }
    if (killed.empty()) return;
    for (const auto& fd : killed) {
      pollfd gone{fd.get(), POLLIN, 0};
      poll(&gone, 1, kWaitMs);
    }
  }
}

}  // namespace holdfast::docker
