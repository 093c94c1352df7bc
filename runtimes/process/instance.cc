#include "runtimes/process/instance.h"

#include <cerrno>
#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "runtimes/process/proc.h"
#include "runtimes/process/spawn.h"

namespace holdfast::process {

Instance::Instance(std::shared_ptr<Host> host, InstanceId id)
    : host_(std::move(host)), id_(std::move(id)), directory_(host_->directory_of(id_.service, id_.ordinal)) {}

Instance::~Instance() {
  unwatch_shim();
}

Status Instance::signal(const SignalInstance& action) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (state_ == State::kNone || state_ == State::kExited || run_.incarnation != action.incarnation) return {};
  if (state_ == State::kUnseen) {
    return fail(ErrorCode::kUnavailable,
                id_.service + "/" + std::to_string(id_.ordinal) + " can't be signalled: " + message_);
  }
  if (!stopping_since_) stopping_since_ = host_->clock.now();
  // The shim is the parent: only it can signal the main process without a race, and exactly once.
  if (!queue_signal(shim_pidfd_.get(), SIGRTMIN, action.signal) && errno != ESRCH) {
    return fail(errno_error(
        "cannot ask the shim of " + id_.service + "/" + std::to_string(id_.ordinal) + " to stop it", errno));
  }
  return {};
}

Status Instance::kill(const KillInstance& action) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (state_ == State::kNone || state_ == State::kExited || run_.incarnation != action.incarnation) return {};
  if (!stopping_since_) stopping_since_ = host_->clock.now();
  kill_cgroup(run_.kill_cgroup);
  if (shim_pidfd_ && !send_signal(shim_pidfd_.get(), SIGUSR1) && errno != ESRCH) {
    return fail(errno_error("cannot kill " + id_.service + "/" + std::to_string(id_.ordinal), errno));
  }
  return {};
}

Status Instance::remove(const RemoveInstance& action) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (state_ == State::kNone || run_.incarnation != action.incarnation) return {};
  if (state_ != State::kExited) {
    return fail(ErrorCode::kConflict,
                id_.service + "/" + std::to_string(id_.ordinal) + " can't be removed: it hasn't exited");
  }
  // shim.json first: without it, an exit.json speaks for nothing.
  for (const char* name : {"/shim.json", "/exit.json"}) {
    const std::string path = directory_ + name;
    if (rename(path.c_str(), (path + ".tmp").c_str()) != 0 && errno != ENOENT)
      return fail(errno_error("cannot remove " + path, errno));
  }
  remove_cgroups(run_.cgroups);
  become_none();
  return {};
}

std::optional<ObservedInstance> Instance::observe() {
  const std::lock_guard lock(mutex_);
  refresh();
  if (state_ == State::kNone) return std::nullopt;
  ObservedInstance seen;
  seen.id = id_;
  seen.incarnation = run_.incarnation;
  seen.spec_hash = run_.spec_hash;
  seen.restart_nonce = run_.restart_nonce;
  seen.message = message_;
  if (run_.started_wall != WallTime{}) {
    seen.started_wall = run_.started_wall;
    if (run_.boot_id == host_->boot) seen.started_at = run_.started_mono;
  }
  seen.notify_ready = live_.ready;
  seen.notify_watchdog = live_.watchdog;
  seen.notify_status = live_.status;
  switch (state_) {
    case State::kRunning:
      seen.phase = stopping_since_ ? Phase::kStopping : Phase::kRunning;
      seen.stopping_since = stopping_since_;
      seen.pid = run_.child_pid;
      break;
    case State::kExited:
      seen.phase = Phase::kExited;
      seen.exit = exit_;
      break;
    default:
      seen.phase = Phase::kUnknown;
      if (run_.child_pid > 0) seen.pid = run_.child_pid;
  }
  return seen;
}

bool Instance::exists() {
  const std::lock_guard lock(mutex_);
  refresh();
  return state_ != State::kNone;
}

std::optional<TreeHandle> Instance::current_tree() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || state_ != State::kRunning) return std::nullopt;
  return TreeHandle{run_.shim_pid, run_.child_pid, run_.shim_start, run_.child_start, run_.kill_cgroup};
}

std::optional<TreeHandle> Instance::tree(std::uint64_t incarnation) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || state_ != State::kRunning || run_.incarnation != incarnation) return std::nullopt;
  return TreeHandle{run_.shim_pid, run_.child_pid, run_.shim_start, run_.child_start, run_.kill_cgroup};
}

void Instance::refresh() {
  if (state_ == State::kRunning) {
    if (dirty_->exchange(!watched_)) read_state();
    if (pidfd_has_exited(shim_pidfd_.get())) shim_ended();
  } else if (state_ == State::kUnseen) {
    adopt_run();
  }
}

void Instance::read_state() {
  const auto record = read_state_record(directory_);
  if (!record || !*record || (*record)->incarnation != run_.incarnation) return;
  live_ = **record;
  if (!stopping_since_) stopping_since_ = live_.stopping_since;
  if (live_.main_pid_refused) message_ = "a MAINPID= notification was refused";
}

bool Instance::watch_shim(pid_t shim, UniqueFd pidfd) {
  unwatch_shim();
  shim_pidfd_ = std::move(pidfd);
  run_.shim_pid = shim;
  try {
    shim_watch_ = host_->loop.watch(shim_pidfd_.get(), EPOLLIN | EPOLLONESHOT,
                                    [weak = std::weak_ptr(host_), service = id_.service](std::uint32_t) {
                                      if (const auto host = weak.lock()) host->changed(service);
                                    });
  } catch (const std::exception& error) {
    log::error("cannot watch a service's shim", {{"service", id_.service}, {"error", error.what()}});
    return false;
  }
  return true;
}

void Instance::unwatch_shim() {
  if (shim_watch_ != 0) host_->loop.unwatch(shim_watch_);
  shim_watch_ = 0;
  shim_pidfd_.reset();
}

void Instance::shim_ended() {
  reap(shim_pidfd_.get());
  unwatch_shim();
  read_state();
  settle_without_shim("its shim was killed, the exit status is unknown");
}

// The shim of run_ is gone: either it left exit.json, or it was killed and the tree has to be brought down.
void Instance::settle_without_shim(const std::string& reason) {
  const bool other_boot = run_.boot_id != host_->boot;
  auto file = read_exit_file(directory_);
  if (!file) {
    log::error("an exit record can't be read and was set aside", {{"error", file.error().message}});
    rename((directory_ + "/exit.json").c_str(), (directory_ + "/exit.json.corrupt").c_str());
  } else if (*file && (*file)->incarnation == run_.incarnation &&
             ((*file)->tree_gone || other_boot || !orphans_remain())) {
    become_exited((*file)->exit);
    return;
  }
  if (!other_boot && orphans_remain()) {
    state_ = State::kUnseen;
    message_ = "its shim was killed; what is left of its processes is being killed";
    host_->changed_after(kOrphanInterval, id_.service);
    return;
  }
  ExitRecord exit;
  exit.reason = reason;
  exit.at = host_->clock.wall();
  if (const auto written = write_exit_file(directory_, id_, {run_.incarnation, true, exit}); !written) {
    log::warning("an exit can't be recorded", {{"service", id_.service}, {"error", written.error().message}});
  }
  become_exited(exit);
}

// Kills what is left; true while something is.
bool Instance::orphans_remain() {
  if (!run_.kill_cgroup.empty()) {
    if (!cgroup_populated(run_.kill_cgroup)) return false;
    kill_cgroup(run_.kill_cgroup);
    return cgroup_populated(run_.kill_cgroup);
  }
  const std::string mark = "HOLDFAST_INVOCATION=" + run_.invocation;
  const auto left = pids_with_environment(mark);
  kill_marked(left, mark);
  return !left.empty();
}

void Instance::become(const ShimRecord& record) {
  run_ = record;
  stopping_since_.reset();
  live_ = {};
  exit_.reset();
  message_.clear();
}

void Instance::become_exited(ExitRecord exit) {
  unwatch_shim();
  remove_cgroups(run_.cgroups);
  state_ = State::kExited;
  stopping_since_.reset();
  message_.clear();
  exit_ = std::move(exit);
}

void Instance::become_none() {
  unwatch_shim();
  become({});
  state_ = State::kNone;
}

}  // namespace holdfast::process
