// Which connection's time runs out next. One entry per connection; it is only moved when a deadline becomes
// earlier, a later one is found out when the entry is due: serving a request costs nothing here.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "api/http/inbox.h"
#include "controller/base/clock.h"

namespace holdfast::http {

// Not thread-safe. Adding, moving and removing cost O(log n).
class Deadlines {
 public:
  void add(MonoTime time, ConnectionId id) { entries_.emplace(time, id); }
  void remove(MonoTime time, ConnectionId id) { entries_.erase({time, id}); }
  [[nodiscard]] std::optional<MonoTime> earliest() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.begin()->first;
  }
  // Removes and returns an entry that is due at `now`.
  std::optional<ConnectionId> take_due(MonoTime now) {
    if (entries_.empty() || entries_.begin()->first > now) return std::nullopt;
    return entries_.extract(entries_.begin()).value().second;
  }

 private:
  std::set<std::pair<MonoTime, ConnectionId>> entries_;
};

}  // namespace holdfast::http
