// Counters of the loop, as controller-runtime exposes them.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <thread>

#include "controller/base/clock.h"
#include "controller/model/control_plane.h"

namespace holdfast::reconciler {

// Thread-safe.
class LoopStats {
 public:
  enum class Outcome { kSuccess, kError, kRequeue };
  void begin(MonoTime now);  // on the worker's thread
  void end(Outcome outcome, MonoTime now);
  void set_workers(std::uint64_t workers);
  void fill(ReconcilerStats& stats, MonoTime now) const;

 private:
  static constexpr std::array<double, 12> kBounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                  0.01,   0.05,    0.1,    0.5,   1,      10};
  mutable std::mutex mutex_;
  std::map<std::thread::id, MonoTime> active_;
  std::array<std::uint64_t, kBounds.size() + 1> buckets_{};
  std::uint64_t success_ = 0, error_ = 0, requeue_ = 0, workers_ = 0;
  double sum_ = 0;
};

}  // namespace holdfast::reconciler
