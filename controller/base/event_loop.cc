#include "controller/base/event_loop.h"

#include <array>
#include <cerrno>
#include <stdexcept>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "controller/base/result.h"

namespace holdfast {

namespace {
constexpr EventLoop::WatchId kWake = 0;
}

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!epoll_ || !wake_) throw std::runtime_error("cannot create an event loop: out of file descriptors");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWake}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
}

EventLoop::~EventLoop() = default;

void EventLoop::wake() {
  eventfd_write(wake_.get(), 1);
}

void EventLoop::run() {
  std::array<epoll_event, 128> events;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms());
    for (int i = 0; i < n; ++i) {
      const auto& event = events[static_cast<size_t>(i)];
      if (event.data.u64 == kWake) {
        eventfd_t value;
        eventfd_read(wake_.get(), &value);
      } else {
        dispatch(event.data.u64, event.events);
      }
    }
    run_timers();
    run_posted();
  }
}

void EventLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
}

void EventLoop::post(Callback callback) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(callback));
  }
  if (first) wake();
}

EventLoop::WatchId EventLoop::watch(int fd, std::uint32_t epoll_events, FdCallback callback) {
  const std::lock_guard lock(mutex_);
  const WatchId id = next_id_++;
  watches_[id] = {fd, std::make_shared<FdCallback>(std::move(callback))};
  epoll_event event{.events = epoll_events, .data = {.u64 = id}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    watches_.erase(id);
    throw std::runtime_error("cannot watch a file descriptor: " + errno_error("epoll_ctl", errno).message);
  }
  return id;
}

void EventLoop::modify(WatchId id, std::uint32_t epoll_events) {
  const std::lock_guard lock(mutex_);
  const auto it = watches_.find(id);
  if (it == watches_.end()) return;
  epoll_event event{.events = epoll_events, .data = {.u64 = id}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, it->second.fd, &event);
}

void EventLoop::unwatch(WatchId id) {
  const std::lock_guard lock(mutex_);
  const auto it = watches_.find(id);
  if (it == watches_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, it->second.fd, nullptr);
  watches_.erase(it);
}

EventLoop::TimerId EventLoop::after(Duration delay, Callback callback) {
  const auto due = MonoTime{std::chrono::steady_clock::now()} + delay;
  TimerId id = 0;
  bool earliest = false;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
    earliest = timers_.empty() || due < timers_.begin()->first;
    timers_.emplace(due, std::pair{id, std::move(callback)});
  }
  if (earliest) wake();
  return id;
}

void EventLoop::cancel(TimerId id) {
  const std::lock_guard lock(mutex_);
  for (auto it = timers_.begin(); it != timers_.end(); ++it) {
    if (it->second.first != id) continue;
    timers_.erase(it);
    return;
  }
}

int EventLoop::timeout_ms() {
  const std::lock_guard lock(mutex_);
  if (!posted_.empty()) return 0;
  if (timers_.empty()) return -1;
  const auto wait = timers_.begin()->first - MonoTime{std::chrono::steady_clock::now()};
  if (wait <= Duration::zero()) return 0;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return ms > 3'600'000 ? 3'600'000 : static_cast<int>(ms);
}

void EventLoop::run_timers() {
  const auto now = MonoTime{std::chrono::steady_clock::now()};
  for (;;) {
    Callback callback;
    {
      const std::lock_guard lock(mutex_);
      if (timers_.empty() || timers_.begin()->first > now) return;
      callback = std::move(timers_.begin()->second.second);
      timers_.erase(timers_.begin());
    }
    callback();
  }
}

void EventLoop::run_posted() {
  std::vector<Callback> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(posted_);
  }
  for (auto& callback : batch) callback();
}

void EventLoop::dispatch(WatchId id, std::uint32_t events) {
  std::shared_ptr<FdCallback> callback;
  {
    const std::lock_guard lock(mutex_);
    const auto it = watches_.find(id);
    if (it == watches_.end()) return;  // unwatched earlier in this round
    callback = it->second.callback;
  }
  (*callback)(events);
}

}  // namespace holdfast
