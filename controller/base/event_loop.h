// One thread that waits: file descriptors (pidfds, inotify, sockets), timers, and callbacks posted by other
// threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/unique_fd.h"

namespace holdfast {

// Every method but run() may be called from any thread. Callbacks run on the thread of run(), one at a time,
// and must not block. After unwatch() or cancel() *on the loop thread* the callback never runs again; from
// another thread it may be running at that moment.
class EventLoop {
 public:
  using Callback = std::function<void()>;
  using FdCallback = std::function<void(std::uint32_t epoll_events)>;
  using WatchId = std::uint64_t;
  using TimerId = std::uint64_t;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();   // until stop()
  void stop();  // async-signal-unsafe; use a signalfd

  void post(Callback callback);
  // Watches fd (not owned) for EPOLL* events, level-triggered. Unwatch before closing the fd.
  WatchId watch(int fd, std::uint32_t epoll_events, FdCallback callback);
  void modify(WatchId id, std::uint32_t epoll_events);
  void unwatch(WatchId id);
  TimerId after(Duration delay, Callback callback);  // once
  void cancel(TimerId id);

 private:
  struct Watch {
    int fd;
    std::shared_ptr<FdCallback> callback;
  };
  void wake();
  [[nodiscard]] int timeout_ms();
  void run_timers();
  void run_posted();
  void dispatch(WatchId id, std::uint32_t events);

  UniqueFd epoll_, wake_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::uint64_t next_id_ = 1;
  std::vector<Callback> posted_;
  std::unordered_map<WatchId, Watch> watches_;
  std::multimap<MonoTime, std::pair<TimerId, Callback>> timers_;
};

}  // namespace holdfast
