// When one probe is checked. Pure: times in, times out.
#pragma once

#include <string_view>

#include "controller/base/clock.h"
#include "controller/health/fold.h"
#include "controller/model/service_spec.h"

namespace holdfast::health {

// A number from 0 to 1 that is always the same for one probe: spreads the checks of many over an interval.
[[nodiscard]] double phase_of(std::string_view service, int ordinal, ProbeKind kind);

//   first  early..  counted (at most an interval later, by phase)  counted  counted  -> each an interval
//   apart
//
// Early checks, at most 200 ms apart for the first 30 s, let a service that has just come up be ready at once
// instead of an interval later. Only their passes count: a threshold of failures still means that many
// intervals.
class Cadence {
 public:
  Cadence() = default;
  // eager: with early checks, as long as advance() is told that it has not passed.
  Cadence(const Probe& probe, MonoTime first, double phase, bool eager);

  [[nodiscard]] MonoTime due() const { return due_; }
  [[nodiscard]] bool counted() const { return due_ == next_counted_; }
  // The check that was due is done; intervals that went by meanwhile are left out.
  void advance(MonoTime now, bool passed);

 private:
  MonoTime due_, next_counted_, last_early_;
  Duration interval_{}, first_interval_{}, pause_{};
  bool eager_ = false, first_ = true;
};

}  // namespace holdfast::health
