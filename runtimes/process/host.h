// What all instances of one process runtime share: options, cgroups, and the way to tell about changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "controller/base/unique_fd.h"
#include "runtimes/process/cgroups.h"
#include "runtimes/process/process_runtime.h"

namespace holdfast::process {

// Thread-safe. Owned by a shared_ptr: callbacks on the event loop hold weak ones.
class Host : public std::enable_shared_from_this<Host> {
 public:
  Host(EventLoop& event_loop, const Clock& wall_and_mono, ProcessRuntimeOptions runtime_options);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  EventLoop& loop;
  const Clock& clock;
  const ProcessRuntimeOptions options;
  const std::string boot;
  const Cgroups cgroups;
  const std::uint64_t default_nofile;  // soft limit of open files that services get

  void on_change(std::function<void(const std::string&)> sink);
  void changed(const std::string& service);
  void changed_after(Duration delay, const std::string& service);

  // Calls changed(service) and sets *dirty whenever a record in the directory is replaced. False if the
  // directory can't be watched: then records must be read each time. A directory is watched once.
  bool watch_records(const std::string& directory, const std::string& service,
                     const std::shared_ptr<std::atomic<bool>>& dirty);
  void start();  // begins to listen, once owned by a shared_ptr

  [[nodiscard]] std::string directory_of(const std::string& service, int ordinal) const;

 private:
  struct WatchedDirectory {
    std::string service;
    std::shared_ptr<std::atomic<bool>> dirty;
  };
  void read_inotify();
  void take_inotify(int wd, std::uint32_t mask, std::string_view name, std::vector<std::string>& services);

  std::mutex mutex_;
  std::shared_ptr<const std::function<void(const std::string&)>> sink_;
  UniqueFd inotify_;
  EventLoop::WatchId inotify_watch_ = 0;
  std::unordered_map<int, WatchedDirectory> directories_;  // by inotify watch descriptor
};

}  // namespace holdfast::process
