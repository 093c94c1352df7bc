#include "controller/health/cadence.h"

#include <algorithm>
#include <cstdint>

namespace holdfast::health {

namespace {
using std::chrono::milliseconds;
constexpr Duration kShortestInterval = milliseconds{10};  // whatever a spec says, the loop stays responsive
constexpr Duration kFirstPause = milliseconds{20}, kLongestPause = milliseconds{200};
constexpr Duration kEarlyFor = std::chrono::seconds{30};
}  // namespace

double phase_of(std::string_view service, int ordinal, ProbeKind kind) {
  std::uint32_t hash = 2166136261U;  // FNV-1a: stable across builds and machines
  const auto mix = [&](std::uint32_t byte) { hash = (hash ^ (byte & 0xffU)) * 16777619U; };
  for (const char c : service) mix(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 32; shift += 8) mix(static_cast<std::uint32_t>(ordinal) >> shift);
  mix(static_cast<std::uint32_t>(kind));
  hash ^= hash >> 15;  // the last bytes alone would hardly reach the upper bits
  hash *= 2246822519U;
  hash ^= hash >> 13;
  return static_cast<double>(hash) / 4294967296.0;
}

Cadence::Cadence(const Probe& probe, MonoTime first, double phase, bool eager)
    : due_(first),
      next_counted_(first),
      last_early_(first + kEarlyFor),
      interval_(std::max(probe.interval, kShortestInterval)),
      first_interval_(std::chrono::duration_cast<Duration>(interval_ * (0.5 + phase / 2))),
      pause_(kFirstPause),
      eager_(eager) {}

void Cadence::advance(MonoTime now, bool passed) {
  if (counted()) {
    next_counted_ += first_ ? first_interval_ : interval_;
    first_ = false;
    if (next_counted_ <= now) next_counted_ += ((now - next_counted_) / interval_ + 1) * interval_;
  }
  due_ = next_counted_;
  if (!eager_ || passed || now > last_early_) return;
  due_ = std::min(due_, now + pause_);
  pause_ = std::min(pause_ * 3 / 2, kLongestPause);
}

}  // namespace holdfast::health
