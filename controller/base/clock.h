// Time as a dependency. Durations and deadlines use the monotonic face, display and records the wall face; no
// code outside SystemClock reads a clock of the operating system.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

using Duration = std::chrono::nanoseconds;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;  // CLOCK_MONOTONIC: since boot
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;  // UTC

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonoTime now() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }
};

// "2026-11-22T18:47:03.123456Z" (RFC 3339, UTC, microseconds).
std::string format_rfc3339(WallTime time);
// Accepts what format_rfc3339 writes, any fraction and a numeric offset; nullopt for anything else, and for
// years that WallTime doesn't reach (before 1678, after 2261).
std::optional<WallTime> parse_rfc3339(std::string_view text);

inline std::int64_t to_unix_ms(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
inline WallTime from_unix_ms(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds{ms}};
}

// Contents of /proc/sys/kernel/random/boot_id without the newline; monotonic times compare only within one
// boot.
std::string boot_id();

}  // namespace holdfast
