#include "runtimes/process/exec_runner.h"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <sstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "runtimes/process/launch.h"
#include "runtimes/process/proc.h"
#include "runtimes/process/shim/protocol.h"
#include "runtimes/process/spawn.h"

namespace holdfast::process {

namespace {

constexpr int kSlackMs = 5000;  // for a tree that takes its time to die

// The real ids of a process, from /proc/<pid>/status.
struct Ids {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<std::uint32_t> groups;
};

std::optional<Ids> read_ids(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!text) return std::nullopt;
  Ids ids;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name;
    fields >> name;
    if (name == "Uid:") fields >> ids.uid;
    if (name == "Gid:") fields >> ids.gid;
    if (name != "Groups:") continue;
    for (std::uint32_t group = 0; fields >> group;) ids.groups.push_back(group);
  }
  return ids;
}

Environment read_environment(pid_t pid, std::vector<std::string>& entries) {
  Environment environment;
  std::istringstream text(read_file("/proc/" + std::to_string(pid) + "/environ").value_or(""));
  for (std::string entry; std::getline(text, entry, '\0');) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || entry.starts_with("NOTIFY_SOCKET=")) continue;
    environment[entry.substr(0, equals)] = entry.substr(equals + 1);
    entries.push_back(entry);
  }
  return environment;
}

Error gone(const InstanceId& id) {
  return {
      ErrorCode::kNotFound, id.service + "/" + std::to_string(id.ordinal) + " isn't running", "", false, {}};
}

Result<Launch> plan_beside(const InstanceId& id, const TreeHandle& tree, const std::vector<std::string>& argv,
                           Duration timeout) {
  if (argv.empty() || argv[0].empty()) return fail(ErrorCode::kInvalid, "a probe's command is empty");
  const UniqueFd pidfd = open_pidfd(tree.main);
  const auto stat = read_proc_stat(tree.main);
  if (!pidfd || !stat || stat->start_ticks != tree.main_start || stat->parent != tree.shim)
    return fail(gone(id));
  Launch launch;
  const Environment environment = read_environment(tree.main, launch.environment);
  const auto ids = read_ids(tree.main);
  std::error_code error;
  const auto directory = std::filesystem::read_symlink("/proc/" + std::to_string(tree.main) + "/cwd", error);
  if (!ids || error || pidfd_has_exited(pidfd.get())) return fail(gone(id));
  const auto program = find_program(argv[0], environment);
  launch.program = program.value_or(argv[0]);
  launch.header.program_missing = program ? 0 : 1;
  launch.header.mode = shim::Mode::kExec;
  launch.header.exec_timeout = timeout.count();
  launch.header.ordinal = id.ordinal;
  if (ids->uid != geteuid()) {
    launch.header.switch_user = 1;
    launch.header.uid = ids->uid;
    launch.header.gid = ids->gid;
    launch.groups = ids->groups;
  }
  launch.service = id.service;
  launch.working_dir = directory.string();
  launch.argv = argv;
  return launch;
}

Result<ExecResult> interpret(const std::string& data, const std::vector<std::string>& argv,
                             Duration timeout) {
  shim::ExecReport report;
  if (data.size() < sizeof report)
    return fail(ErrorCode::kUnavailable, "the shim of a probe's command was killed");
  std::memcpy(&report, data.data(), sizeof report);
  if (report.error != 0) {
    const bool missing = report.step == shim::Step::kLookup || report.step == shim::Step::kExec;
    Error error = errno_error("cannot execute '" + argv[0] + "' beside the service", report.error);
    if (missing) error.code = ErrorCode::kInvalid;
    return fail(error);
  }
  if (report.timed_out != 0) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    return fail(ErrorCode::kTimeout,
                "'" + argv[0] + "' didn't end within " + std::to_string(ms) + "ms and was killed");
  }
  ExecResult result;
  result.output = data.substr(sizeof report);
  result.exit_code = WIFEXITED(report.wait_status)
                         ? WEXITSTATUS(report.wait_status)
                         : 128 + WTERMSIG(report.wait_status);  // as a shell says it
  return result;
}

}  // namespace

Result<ExecResult> run_beside(const std::string& shim_path, const std::string& directory,
                              const InstanceId& id, const TreeHandle& tree,
                              const std::vector<std::string>& argv, Duration timeout) {
  const auto launch = plan_beside(id, tree, argv, timeout);
  if (!launch) return fail(launch.error());
  const auto block = encode(*launch);
  if (!block) return fail(block.error());
  const UniqueFd directory_fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd no_lock(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!directory_fd || !no_lock) return fail(errno_error("cannot open " + directory, errno));
  auto spawned = spawn_shim(shim_path, "exec " + id.service + "/" + std::to_string(id.ordinal), *block,
                            no_lock.get(), directory_fd.get());
  if (!spawned) return fail(spawned.error());
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  const int wait_ms = static_cast<int>(std::min<std::int64_t>(ms, 3'600'000)) + kSlackMs;
  const auto data =
      read_report(spawned->report.get(), sizeof(shim::ExecReport) + shim::kExecOutputMax, wait_ms);
  if (!data) send_signal(spawned->pidfd.get(), SIGKILL);
  spawned->report.reset();  // without a reader the shim ends by itself
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(spawned->pidfd.get()), &info, WEXITED);
  if (!data) return fail(data.error());
  return interpret(*data, argv, timeout);
}

}  // namespace holdfast::process
