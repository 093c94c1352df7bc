// The memory of restarts. Data only: controller/planner folds it, controller/state keeps it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/model/observation.h"

namespace holdfast {

struct OrdinalLedger {
  std::uint64_t incarnation = 0;         // highest ever started; the next start uses one more
  std::uint64_t folded_exit = 0;         // incarnation whose exit is already counted
  int consecutive_failures = 0;          // since the last stable run; drives the backoff
  std::optional<MonoTime> next_start;    // not before
  std::deque<MonoTime> recent_restarts;  // within the budget window, oldest first, bounded by the budget
  bool failed = false;                   // budget used up, or policy forbids a restart after a failure
  bool completed = false;                // exited as policy allows (never, or on-failure with a clean exit)
  std::string failed_hash;               // spec hash at that time: a change clears failed/completed
  std::uint64_t failed_nonce = 0;  // restart nonce at that time: an operator's start or restart clears it
  std::optional<ExitRecord> last_exit;
  std::string last_cause;  // why the last restart happened: "crash", "liveness", "config", "operator", "oom"
  bool operator==(const OrdinalLedger&) const = default;
};

struct RestartLedger {
  std::map<int, OrdinalLedger> ordinals;
  std::map<std::string, std::uint64_t> restarts_by_cause;  // counts restarts, ever; the first start is none
  std::string boot;  // boot id: monotonic times of another boot mean nothing
  bool operator==(const RestartLedger&) const = default;
};

}  // namespace holdfast
