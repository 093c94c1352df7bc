// Tells the supervisor how this service does, in the protocol of sd_notify(3): datagrams of "KEY=value" lines
// to the unix socket in $NOTIFY_SOCKET ('@' first: an abstract one).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/base/clock.h"

namespace holdfast::examples {

// Immutable; thread-safe. Without a supervisor every method does nothing.
class ServiceNotifier {
 public:
  static ServiceNotifier from_environment();  // NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID

  void ready(std::string_view status) const;
  void status(std::string_view text) const;
  void stopping() const;
  void watchdog() const;  // "still alive"

  // Half of what the supervisor waits for, so that one late message does no harm; nullopt: it isn't waiting.
  [[nodiscard]] std::optional<Duration> watchdog_interval() const { return watchdog_interval_; }

 private:
  void send(std::string_view message) const;

  std::string socket_;
  std::optional<Duration> watchdog_interval_;
};

}  // namespace holdfast::examples
