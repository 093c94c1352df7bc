// The published truth: one immutable status per service, read without waiting for the loop; who waits for a
// service to settle; and the numbered stream of updates for those who follow.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "controller/base/event_loop.h"
#include "controller/model/control_plane.h"
#include "controller/model/status.h"

namespace holdfast::reconciler {

inline constexpr const char* kAnnounced = "Pending";  // phase of a service that no step has looked at yet

// Thread-safe. Publishing one service costs the same however many there are.
class StatusBoard {
 public:
  explicit StatusBoard(EventLoop& loop) : loop_(loop) {}
  ~StatusBoard();
  StatusBoard(const StatusBoard&) = delete;
  StatusBoard& operator=(const StatusBoard&) = delete;

  [[nodiscard]] StatusPtr get(const std::string& service) const;
  [[nodiscard]] std::vector<StatusPtr> all() const;  // by name
  [[nodiscard]] size_t size() const;

  // `version`: of the inputs (spec, intent) that the status was made from. Tells subscribers only when
  // `notify`.
  void publish(const std::string& service, const StatusPtr& status, std::uint64_t version, bool notify);
  // Changes one field or two of the current status, for news that the loop doesn't make (resource samples).
  void amend(const std::string& service, const std::function<void(ServiceStatus&)>& change);
  void remove(const std::string& service);

  void publish_event(const Event& event);
  void publish_config(std::uint64_t revision);

  std::optional<std::uint64_t> subscribe(std::uint64_t after, UpdateSink sink);
  void unsubscribe(std::uint64_t subscription);

  // Calls done once with the first status that is settled and made from at least `version`, or after
  // `within`.
  void when_settled(const std::string& service, std::uint64_t version, Duration within,
                    std::function<void(StatusPtr)> done);

 private:
  struct Slot {
    StatusPtr status;
    std::uint64_t version = 0;
  };
  struct Waiter {
    std::uint64_t version;
    std::function<void(StatusPtr)> done;
    EventLoop::TimerId timer;
  };
  void emit(Update update);
  void settle(const std::string& service, const StatusPtr& status, std::uint64_t version);

  EventLoop& loop_;

  mutable std::shared_mutex slots_mutex_;
  std::map<std::string, Slot> slots_;

  std::mutex hub_mutex_;  // taken before slots_mutex_ where both are
  std::uint64_t sequence_ = 0, next_subscription_ = 1;
  std::map<std::uint64_t, UpdateSink> sinks_;
  std::deque<Update> past_;

  std::mutex waiters_mutex_;
  std::uint64_t next_waiter_ = 1;
  std::map<std::string, std::map<std::uint64_t, Waiter>> waiters_;
};

// Whether two statuses tell a reader the same, apart from times and resource samples.
bool same_news(const ServiceStatus& a, const ServiceStatus& b);

}  // namespace holdfast::reconciler
