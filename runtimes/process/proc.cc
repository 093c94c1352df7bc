#include "runtimes/process/proc.h"

#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string_view>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/base/file.h"

namespace holdfast::process {

namespace {

std::string proc_path(pid_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

std::optional<pid_t> parse_pid(std::string_view text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return pid;
}

bool has_line(const std::string& environment, const std::string& variable) {
  const std::string needle = variable + '\0';
  if (environment.starts_with(needle)) return true;
  return environment.find('\0' + needle) != std::string::npos;
}

bool is_marked(pid_t pid, const std::string& variable) {
  const auto environment = read_file(proc_path(pid, "environ"));
  if (!environment || !has_line(*environment, variable)) return false;
  const auto stat = read_proc_stat(pid);
  return stat && stat->state != 'Z' && stat->state != 'X';
}

}  // namespace

std::optional<ProcStat> read_proc_stat(pid_t pid) {
  const auto text = read_file(proc_path(pid, "stat"));
  if (!text) return std::nullopt;
  const size_t name_end = text->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text->substr(name_end + 1));
  ProcStat stat;
  std::array<std::uint64_t, 23> value{};
  std::string ignored;
  fields >> stat.state >> stat.parent;
  for (size_t field = 5; field <= 22; ++field) {  // numbered as in proc(5)
    if (field == 8) {
      fields >> ignored;  // may be -1
    } else {
      fields >> value.at(field);
    }
  }
  if (!fields) return std::nullopt;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  stat.start_ticks = value[22];
  stat.cpu_seconds = static_cast<double>(value[14] + value[15]) / ticks;
  stat.reaped_cpu_seconds = static_cast<double>(value[16] + value[17]) / ticks;
  return stat;
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc", error), end; !error && it != end;
       it.increment(error)) {
    if (const auto pid = parse_pid(it->path().filename().string())) pids.push_back(*pid);
  }
  return pids;
}

std::vector<pid_t> descendants(pid_t pid) {
  std::vector<pid_t> found{pid};
  for (size_t i = 0; i < found.size() && found.size() < 100'000; ++i) {
    std::error_code error;
    const std::filesystem::directory_iterator tasks(proc_path(found[i], "task"), error);
    if (error) continue;
    for (std::filesystem::directory_iterator it = tasks, end; !error && it != end; it.increment(error)) {
      const auto children = read_file(it->path().string() + "/children");
      if (!children) continue;
      std::istringstream numbers(*children);
      for (pid_t child = 0; numbers >> child;) found.push_back(child);
    }
  }
  found.erase(found.begin());
  return found;
}

std::string read_cmdline(pid_t pid) {
  return read_file(proc_path(pid, "cmdline")).value_or("");
}

std::vector<pid_t> pids_with_environment(const std::string& variable) {
  std::vector<pid_t> found;
  for (const pid_t pid : all_pids()) {
    if (is_marked(pid, variable)) found.push_back(pid);
  }
  return found;
}

UniqueFd open_pidfd(pid_t pid) {
  // glibc 2.36 declares pidfd_open without C linkage.
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0u)));
}

bool pidfd_has_exited(int pidfd) {
  pollfd poll_fd{.fd = pidfd, .events = POLLIN, .revents = 0};
  return poll(&poll_fd, 1, 0) == 1;
}

bool send_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0u) == 0;
}

bool queue_signal(int pidfd, int signal, int value) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = value;
  return syscall(SYS_pidfd_send_signal, pidfd, signal, &info, 0u) == 0;
}

void kill_marked(const std::vector<pid_t>& pids, const std::string& variable) {
  for (const pid_t pid : pids) {
    const UniqueFd pidfd = open_pidfd(pid);
    if (pidfd && is_marked(pid, variable)) send_signal(pidfd.get(), SIGKILL);
  }
}

}  // namespace holdfast::process
