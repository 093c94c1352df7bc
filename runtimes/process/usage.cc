#include "runtimes/process/usage.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "runtimes/process/proc.h"

namespace holdfast::process {

namespace {

std::optional<std::int64_t> count_fds(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  if (info.st_size > 0) return info.st_size;  // Linux 6.2 and later
  std::error_code error;
  std::int64_t count = 0;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    ++count;
  if (error) return std::nullopt;
  return count;
}

std::optional<std::int64_t> resident_bytes(pid_t pid) {
  static const std::int64_t kPage = sysconf(_SC_PAGESIZE);
  std::istringstream fields(read_file("/proc/" + std::to_string(pid) + "/statm").value_or(""));
  std::int64_t size = 0, resident = 0;
  if (!(fields >> size >> resident)) return std::nullopt;
  return resident * kPage;
}

// cpu.stat counts ended processes too.
std::optional<double> cgroup_cpu_seconds(const std::string& directory) {
  if (directory.empty()) return std::nullopt;
  const std::string text = read_file(directory + "/cpu.stat").value_or("");
  if (!text.starts_with("usage_usec ")) return std::nullopt;
  return std::strtod(text.c_str() + 11, nullptr) / 1e6;
}

std::vector<pid_t> members(const TreeHandle& tree) {
  std::vector<pid_t> pids;
  if (!tree.kill_cgroup.empty()) {
    std::istringstream numbers(read_file(tree.kill_cgroup + "/cgroup.procs").value_or(""));
    for (pid_t pid = 0; numbers >> pid;) pids.push_back(pid);
  }
  return pids.empty() ? descendants(tree.shim) : pids;
}

template <typename T>
void add(std::optional<T>& total, std::optional<T> value) {
  if (value) total = total.value_or(T{}) + *value;
}

}  // namespace

ResourceUsage measure(const TreeHandle& tree) {
  ResourceUsage usage;
  const auto shim = read_proc_stat(tree.shim);
  if (!shim || shim->start_ticks != tree.shim_start) return usage;  // just ended
  const auto pids = members(tree);
  usage.cpu_seconds_total = cgroup_cpu_seconds(tree.kill_cgroup);
  const bool sum_cpu = !usage.cpu_seconds_total;
  if (sum_cpu) usage.cpu_seconds_total = shim->reaped_cpu_seconds;
  for (const pid_t pid : pids) {
    add(usage.memory_bytes, resident_bytes(pid));
    add(usage.open_fds, count_fds(pid));
    if (!sum_cpu) continue;
    if (const auto stat = read_proc_stat(pid))
      *usage.cpu_seconds_total += stat->cpu_seconds + stat->reaped_cpu_seconds;
  }
  usage.processes = static_cast<std::int64_t>(pids.size());
  return usage;
}

}  // namespace holdfast::process
