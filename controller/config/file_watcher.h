// Tells when the configuration's files have changed: by inotify on directories (a file that is replaced is a
// new inode, and a ConfigMap is updated by swapping a link), compared by content, with a slow check as the
// safety net for file systems that tell nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "controller/base/unique_fd.h"
#include "controller/config/layer_files.h"

namespace holdfast::config {

// Watches a changing set of directories. Used on the loop's thread, or before the loop runs.
class DirectoryWatcher {
 public:
  DirectoryWatcher(EventLoop& loop, std::function<void()> changed);
  ~DirectoryWatcher();
  DirectoryWatcher(const DirectoryWatcher&) = delete;
  DirectoryWatcher& operator=(const DirectoryWatcher&) = delete;

  // From now on exactly these. Directories that can't be watched (limits of inotify, no permission) are
  // skipped and returned.
  std::vector<std::string> watch(const std::map<std::string, DirectoryInterest>& directories);

 private:
  void read_events();

  EventLoop& loop_;
  std::function<void()> changed_;
  UniqueFd inotify_;
  EventLoop::WatchId watch_ = 0;
  std::map<int, DirectoryInterest> interests_;  // by watch descriptor
};

struct WatchOptions {
  Duration quiet =
      std::chrono::milliseconds{100};           // after the last event, so that a half-written file is rare
  Duration longest = std::chrono::seconds{1};   // events that never cease don't put it off for ever
  Duration recheck = std::chrono::seconds{30};  // without any event
};

// Reads the layers once when made. Made and destroyed on the loop's thread, or while the loop doesn't run;
// current() and check() from any thread.
class WatchedLayers {
 public:
  // Called on the loop's thread with the new content, only when it differs from what was last seen.
  using Changed = std::function<void(const LayerSet&)>;

  WatchedLayers(EventLoop& loop, LayerSources sources, Changed changed, WatchOptions options = {});
  ~WatchedLayers();
  WatchedLayers(const WatchedLayers&) = delete;
  WatchedLayers& operator=(const WatchedLayers&) = delete;

  [[nodiscard]] LayerSet current() const;
  void check();  // soon, whether or not there was an event

 private:
  void noticed();
  void settle();
  LayerSet look();
  void plan_recheck();

  EventLoop& loop_;
  const LayerSources sources_;
  const Changed changed_;
  const WatchOptions options_;
  DirectoryWatcher watcher_;
  std::set<std::string> unwatched_;  // told about in the log already
  EventLoop::TimerId settle_timer_ = 0, recheck_timer_ = 0;
  int postponed_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for callbacks posted by check()
  mutable std::mutex mutex_;
  LayerSet seen_;  // guarded by mutex_
};

}  // namespace holdfast::config
