// One ordinal of one service on this machine: at most one run (incarnation) at a time.
//
//           start()                shim's pidfd
//   kNone ---------> kRunning ------------------> kExited ---remove()---> kNone
//     ^                 ^  | shim killed            ^
//     | nothing there   |  v                        | tree gone
//     +---- adopt() ----+--> kUnseen ---------------+        kUnseen: something lives that can't be told
//     apart
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtimes/process/host.h"
#include "runtimes/process/launch.h"
#include "runtimes/process/records.h"
#include "runtimes/process/shim/protocol.h"
#include "runtimes/runtime.h"

namespace holdfast::process {

// How long until something that is about to be gone is looked at again.
inline constexpr Duration kOrphanInterval = std::chrono::milliseconds{20};

// Where the processes of a running instance are found.
struct TreeHandle {
  pid_t shim = 0, main = 0;
  std::uint64_t shim_start = 0, main_start = 0;
  std::string kill_cgroup;
};

// Thread-safe; start() may block for the start timeout, everything else only on local files.
class Instance {
 public:
  Instance(std::shared_ptr<Host> host, InstanceId id);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  void adopt();  // what an earlier controller left; before any other call
  Status start(const StartInstance& action, const ActionContext& context);
  Status signal(const SignalInstance& action);
  Status kill(const KillInstance& action);
  Status remove(const RemoveInstance& action);
  std::optional<ObservedInstance> observe();  // nullopt: there is none
  bool exists();
  // Of the running incarnation; nullopt if it isn't running (or is being started right now).
  std::optional<TreeHandle> tree(std::uint64_t incarnation);
  std::optional<TreeHandle> current_tree();

 private:
  enum class State { kNone, kRunning, kExited, kUnseen };

  void refresh();
  void read_state();
  void adopt_run();
  void adopt_corrupt(const std::string& why);
  void adopt_without_record();
  bool watch_shim(pid_t shim, UniqueFd pidfd);
  void unwatch_shim();
  void shim_ended();
  void settle_without_shim(const std::string& reason);
  [[nodiscard]] bool orphans_remain();
  void become(const ShimRecord& record);
  void become_exited(ExitRecord exit);
  void become_none();
  [[nodiscard]] bool lock_is_held() const;
  [[nodiscard]] bool holds_lock(pid_t pid) const;
  [[nodiscard]] bool held_deleted_lock(pid_t pid) const;
  [[nodiscard]] UniqueFd find_living_shim(const ShimRecord& record) const;
  [[nodiscard]] pid_t find_lock_holder() const;

  Result<Launch> plan(const StartInstance& action, const ActionContext& context);
  Status launch(const Launch& launch, int lock_fd, int directory_fd);
  Status take_report(const Launch& launch, UniqueFd report);
  Status refuse(const shim::Report& report) const;
  [[nodiscard]] std::string label(std::uint64_t incarnation) const;

  const std::shared_ptr<Host> host_;
  const InstanceId id_;
  const std::string directory_;
  // Set by the event loop: state.json or shim.json was replaced.
  const std::shared_ptr<std::atomic<bool>> dirty_ = std::make_shared<std::atomic<bool>>(true);

  std::mutex mutex_;
  State state_ = State::kNone;
  bool watched_ = false;  // its records, by inotify
  ShimRecord run_;        // of the current incarnation
  UniqueFd shim_pidfd_;
  EventLoop::WatchId shim_watch_ = 0;
  std::optional<MonoTime> stopping_since_;
  StateRecord live_;
  std::optional<ExitRecord> exit_;
  std::string message_;
};

}  // namespace holdfast::process
