// What an earlier controller left behind, told apart by the lock first and the records second.
#include <cerrno>
#include <charconv>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "controller/base/log.h"
#include "runtimes/process/instance.h"
#include "runtimes/process/proc.h"
#include "runtimes/process/spawn.h"

namespace holdfast::process {

void Instance::adopt() {
  const std::lock_guard lock(mutex_);
  watched_ = host_->watch_records(directory_, id_.service, dirty_);
  adopt_run();
}

void Instance::adopt_run() {
  const auto record = read_shim_record(directory_);
  if (!record) {
    adopt_corrupt(record.error().message);
    return;
  }
  if (!*record) {
    adopt_without_record();
    return;
  }
  if (UniqueFd pidfd = find_living_shim(**record)) {
    become(**record);
    state_ = watch_shim(run_.shim_pid, std::move(pidfd)) ? State::kRunning : State::kUnseen;
    dirty_->exchange(!watched_);
    read_state();
    return;
  }
  if (lock_is_held()) {  // by a newer shim that hasn't recorded itself yet
    adopt_without_record();
    return;
  }
  unwatch_shim();
  become(**record);
  if (run_.boot_id != host_->boot) {
    run_.kill_cgroup.clear();  // names nothing any more
    run_.cgroups.clear();
    settle_without_shim("the machine was restarted");
    return;
  }
  settle_without_shim("its shim was killed, the exit status is unknown");
}

// Empty if the record's shim doesn't live. A pid alone proves nothing, nor does its start time, which comes
// in ticks of 10 ms; holding this instance's lock does.
UniqueFd Instance::find_living_shim(const ShimRecord& record) const {
  if (record.boot_id != host_->boot) return {};
  UniqueFd pidfd = open_pidfd(record.shim_pid);
  const auto stat = read_proc_stat(record.shim_pid);
  if (!pidfd || !stat || stat->start_ticks != record.shim_start) return {};
  if (!holds_lock(record.shim_pid) && !held_deleted_lock(record.shim_pid)) return {};
  return pidfd_has_exited(pidfd.get()) ? UniqueFd() : std::move(pidfd);
}

// shim.json says nothing (yet).
void Instance::adopt_without_record() {
  if (!lock_is_held()) {
    if (shim_pidfd_) reap(shim_pidfd_.get());
    const auto file = read_exit_file(directory_);
    if (run_.incarnation != 0 && file && *file && (*file)->incarnation == run_.incarnation &&
        (*file)->tree_gone)
      become_exited((*file)->exit);
    else
      become_none();
    return;
  }
  state_ = State::kUnseen;
  if (shim_pidfd_ && !pidfd_has_exited(shim_pidfd_.get())) return;  // known already
  const pid_t holder = find_lock_holder();
  UniqueFd pidfd = holder > 0 ? open_pidfd(holder) : UniqueFd();
  // The label of the shim's command line: <service>/<ordinal>#<incarnation>.
  const std::string cmdline = pidfd ? read_cmdline(holder) : "";
  const size_t mark = cmdline.find('#');
  if (mark == std::string::npos) {  // it is ending right now
    host_->changed_after(kOrphanInterval, id_.service);
    return;
  }
  become({});
  std::from_chars(cmdline.data() + mark + 1, cmdline.data() + cmdline.size(), run_.incarnation);
  message_ = "it runs, but its record (shim.json) can't be read; kill it to have it replaced";
  if (const auto groups = host_->cgroups.leaves_of(id_); groups.size() == 1) {
    run_.kill_cgroup = groups[0];
    run_.cgroups = groups;
  }
  watch_shim(holder, std::move(pidfd));
}

void Instance::adopt_corrupt(const std::string& why) {
  const std::string aside = directory_ + "/shim.json.corrupt";
  rename((directory_ + "/shim.json").c_str(), aside.c_str());
  log::error("a service's record is corrupt and was set aside",
             {{"service", id_.service}, {"ordinal", id_.ordinal}, {"error", why}, {"file", aside}});
  if (lock_is_held()) {
    adopt_without_record();
    return;
  }
  for (const auto& group : host_->cgroups.leaves_of(id_)) {  // ours by name, and nobody watches over it
    kill_cgroup(group);
    remove_cgroups({group});
  }
  become_none();
}

bool Instance::lock_is_held() const {
  const UniqueFd fd(open((directory_ + "/lock").c_str(), O_RDWR | O_CLOEXEC));
  return fd && flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

// The shim keeps the lock open under a fixed number.
bool Instance::holds_lock(pid_t pid) const {
  struct stat lock_file{}, held{};
  const std::string link = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(shim::kLockFd);
  return stat((directory_ + "/lock").c_str(), &lock_file) == 0 && stat(link.c_str(), &held) == 0 &&
         lock_file.st_dev == held.st_dev && lock_file.st_ino == held.st_ino;
}

// Somebody may have deleted the lock file.
bool Instance::held_deleted_lock(pid_t pid) const {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(
      "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(shim::kLockFd), error);
  return !error && target.string() == directory_ + "/lock (deleted)";
}

pid_t Instance::find_lock_holder() const {
  for (const pid_t pid : all_pids()) {
    if (holds_lock(pid)) return pid;
  }
  return 0;
}

}  // namespace holdfast::process
