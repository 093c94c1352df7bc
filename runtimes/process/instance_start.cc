// Starting: lock, start block, shim, its report.
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/random.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "controller/base/text.h"
#include "runtimes/process/instance.h"
#include "runtimes/process/proc.h"
#include "runtimes/process/spawn.h"

namespace holdfast::process {

namespace {

constexpr size_t kSocketPathMax = 107;  // sun_path without its NUL

// Not std::random_device: it asks the processor what it can at each use, which is slow in a virtual machine.
std::string random_hex() {
  std::array<unsigned char, 16> bytes{};
  (void)!getrandom(bytes.data(), bytes.size(), 0);  // so few bytes always come
  return to_hex(bytes);
}

int to_ms(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

// A directory fd; makes the directory when it isn't there.
Result<UniqueFd> open_directory(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) return fd;
  if (const auto made = make_directories(path); !made) return fail(made.error());
  fd.reset(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(errno_error("cannot open " + path, errno));
  return fd;
}

// Another thread that starts a process may hold a copy of a lock fd of ours for the moment until its child's
// execve; a shim holds it for good.
bool take_lock(int fd) {
  for (int i = 0; i < 20; ++i) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    poll(nullptr, 0, 1);
  }
  return false;
}

std::int64_t oom_count(const std::string& file) {
  if (file.empty()) return 0;
  const std::string text = read_file(file).value_or("");
  const size_t at = text.find("oom_kill ");
  return at == std::string::npos ? 0 : std::strtoll(text.c_str() + at + 9, nullptr, 10);
}

const NotifyProbe* watchdog_of(const ServiceSpec& spec) {
  return spec.health.liveness ? std::get_if<NotifyProbe>(&spec.health.liveness->check) : nullptr;
}

}  // namespace

Status Instance::start(const StartInstance& action, const ActionContext& context) {
  const std::lock_guard lock(mutex_);
  refresh();
  const std::string name = id_.service + "/" + std::to_string(id_.ordinal);
  if (!context.spec) return fail_terminal(ErrorCode::kInvalid, name + " can't be started without a spec");
  if (state_ != State::kNone && run_.incarnation == action.incarnation) return {};   // done before
  if (state_ == State::kExited && run_.incarnation > action.incarnation) return {};  // long gone
  if (state_ == State::kRunning || state_ == State::kUnseen) {
    return fail(ErrorCode::kConflict, name + " can't be started: an earlier run of it hasn't ended",
                "stop it first");
  }
  const auto directory = open_directory(directory_);
  if (!directory) return fail(directory.error());
  const UniqueFd run_lock(openat(directory->get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!run_lock) return fail(errno_error("cannot open " + directory_ + "/lock", errno));
  // Held by the shim from its first moment on: there is no gap in which a second one could start.
  if (!take_lock(run_lock.get())) {
    state_ = State::kUnseen;
    adopt_run();
    return fail(ErrorCode::kConflict,
                name + " can't be started: another holdfast-shim holds " + directory_ + "/lock");
  }
  if (!watched_) watched_ = host_->watch_records(directory_, id_.service, dirty_);
  auto planned = plan(action, context);
  if (!planned) return fail(planned.error());
  const Status status = launch(*planned, run_lock.get(), directory->get());
  if (!status) remove_cgroups(planned->cgroups.directories);
  return status;
}

Result<Launch> Instance::plan(const StartInstance& action, const ActionContext& context) {
  const ServiceSpec& spec = *context.spec;
  const auto account = account_to_become(spec.user);
  if (!account) return fail(account.error());
  auto environment = build_environment(spec, *account);
  if (!environment) return fail(environment.error());
  if (spec.argv.empty())
    return fail_terminal(ErrorCode::kInvalid, "service " + spec.name + " has no command");

  Launch launch;
  shim::StartHeader& header = launch.header;
  header.incarnation = action.incarnation;
  header.restart_nonce = context.restart_nonce;
  header.ordinal = id_.ordinal;
  header.log_max_size = spec.logs.max_size;
  header.log_max_files = spec.logs.max_files;
  header.nice = spec.process.nice;
  if (*account) {
    header.switch_user = 1;
    header.uid = (*account)->uid;
    header.gid = (*account)->gid;
    launch.groups.assign((*account)->groups.begin(), (*account)->groups.end());
  }
  launch.service = id_.service;
  launch.spec_hash = spec.spec_hash;
  launch.boot_id = host_->boot;
  launch.invocation = random_hex();
  launch.argv = spec.argv;
  launch.working_dir = spec.working_dir;
  const auto program = find_program(spec.argv[0], *environment);
  header.program_missing = program ? 0 : 1;
  launch.program = program.value_or(spec.argv[0]);

  // Another user may not reach the state dir; a path may be too long for a socket.
  launch.notify_address = directory_ + "/notify.sock";
  if (*account || launch.notify_address.size() > kSocketPathMax)
    launch.notify_address = "@holdfast/" + launch.invocation;

  auto leaf = host_->cgroups.make(id_, action.incarnation, spec.resources);
  if (!leaf) return fail(leaf.error());
  launch.cgroups = std::move(*leaf);
  header.oom_baseline = oom_count(launch.cgroups.oom_file);
  auto limits = plan_limits(spec, launch.cgroups, host_->default_nofile);
  if (!limits) {
    remove_cgroups(launch.cgroups.directories);
    return fail(limits.error());
  }
  launch.limits = std::move(*limits);

  (*environment)["NOTIFY_SOCKET"] = launch.notify_address;
  if (const auto* watchdog = watchdog_of(spec)) {
    (*environment)["WATCHDOG_USEC"] =
        std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(watchdog->within).count());
  }
  (*environment)["HOLDFAST_SERVICE"] = id_.service;
  (*environment)["HOLDFAST_ORDINAL"] = std::to_string(id_.ordinal);
  (*environment)["HOLDFAST_INVOCATION"] = launch.invocation;
  for (const auto& [key, value] : *environment) {
    std::string& entry = launch.environment.emplace_back(key);
    entry.append("=").append(value);
  }
  return launch;
}

std::string Instance::label(std::uint64_t incarnation) const {
  return id_.service + "/" + std::to_string(id_.ordinal) + "#" + std::to_string(incarnation);
}

Status Instance::launch(const Launch& launch, int lock_fd, int directory_fd) {
  const auto block = encode(launch);
  if (!block) return fail(block.error());
  auto spawned =
      spawn_shim(host_->options.shim_path, label(launch.header.incarnation), *block, lock_fd, directory_fd);
  if (!spawned) return fail(spawned.error());
  become_none();
  run_.incarnation = launch.header.incarnation;
  run_.spec_hash = launch.spec_hash;
  run_.restart_nonce = launch.header.restart_nonce;
  run_.boot_id = host_->boot;
  run_.invocation = launch.invocation;
  run_.kill_cgroup = launch.cgroups.kill_directory;
  run_.cgroups = launch.cgroups.directories;
  const bool watching = watch_shim(spawned->pid, std::move(spawned->pidfd));
  Status status = take_report(launch, std::move(spawned->report));
  if (status && !watching) {
    return fail(ErrorCode::kUnavailable, "cannot watch the shim of " + id_.service,
                "the controller is out of file descriptors or epoll watches");
  }
  return status;
}

Status Instance::take_report(const Launch& launch, UniqueFd report_fd) {
  const auto data = read_report(report_fd.get(), sizeof(shim::Report), to_ms(host_->options.start_timeout));
  if (!data) {  // it lives and may still start the service: seen as Unknown until its record is there
    state_ = State::kUnseen;
    message_ = "its shim was started, but hasn't recorded the start yet";
    return fail(ErrorCode::kTimeout, "the shim of " + id_.service + " didn't answer in time",
                "is the disk of " + directory_ + " very slow?");
  }
  shim::Report report;
  if (data->size() == sizeof report) std::memcpy(&report, data->data(), sizeof report);
  run_.child_pid = report.child;
  run_.child_start = report.child_ticks;
  run_.shim_start = report.shim_ticks;
  run_.started_mono = MonoTime{Duration{report.started_mono}};
  run_.started_wall = WallTime{Duration{report.started_wall}};
  if (data->size() == sizeof report && report.stage == shim::Stage::kStarted) {
    state_ = State::kRunning;
    return {};
  }
  // The shim is about to end, or was killed.
  pollfd ended{.fd = shim_pidfd_.get(), .events = POLLIN, .revents = 0};
  poll(&ended, 1, to_ms(host_->options.start_timeout));
  if (data->size() == sizeof report && report.stage == shim::Stage::kStartFailed) {
    state_ = State::kRunning;
    refresh();
    return {};
  }
  reap(shim_pidfd_.get());
  remove_cgroups(launch.cgroups.directories);
  become_none();
  return refuse(report);
}

Status Instance::refuse(const shim::Report& report) const {
  const std::string what = "cannot start " + id_.service + "/" + std::to_string(id_.ordinal) + ": ";
  switch (report.step) {
    case shim::Step::kBlock:
      return fail(ErrorCode::kInternal, what + "holdfast-shim is of another version than the controller",
                  "install both from one build");
    case shim::Step::kLogs:
      return fail(errno_error(what + "its log files in " + directory_ + " can't be opened", report.error));
    case shim::Step::kRecord:
      return fail(errno_error(what + "its record in " + directory_ + " can't be written", report.error));
    case shim::Step::kNotify:
      return fail(errno_error(what + "its notify socket can't be made", report.error));
    case shim::Step::kNone:
      return fail(ErrorCode::kUnavailable, what + "its shim was killed before it could start it");
    default:
      return fail(errno_error(what + "the shim can't prepare the start", report.error));
  }
}

}  // namespace holdfast::process
