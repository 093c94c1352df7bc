// The memory of restarts. Data only: controller/planner folds it, controller/state keeps it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"

namespace holdfast {

struct OrdinalLedger {
  std::uint64_t incarnation = 0;           // highest ever seen; the next start uses one more
  std::uint64_t folded_exit = 0;           // incarnation whose exit is already counted
  int consecutive_failures = 0;            // since the last stable run; drives the backoff
  std::uint64_t streak_start = 0;          // first failed incarnation of these; 0: none. Seed of the jitter
  std::optional<MonoTime> next_start{};    // not before
  std::deque<MonoTime> recent_restarts{};  // within the budget window, oldest first, bounded by the budget
  bool failed = false;                     // budget used up, or policy forbids a restart after a failure
  bool completed = false;                  // exited as policy allows (never, or on-failure with a clean exit)
  std::string failed_hash{};  // spec hash of the run whose exit was counted last: another one clears failed,
                              // completed and backoff
  std::uint64_t failed_nonce = 0;  // its restart nonce: an operator's start or restart clears them too
  std::optional<ExitRecord> last_exit{};
  std::string
      last_cause{};  // why the last restart happened: "crash", "liveness", "config", "operator", "oom"
  std::string next_cause{};  // why the next start happens; empty: it is no restart

  // The newest run, once it was asked to stop; written before it is asked, so that its exit is never mistaken
  // for a crash.
  std::uint64_t stop_incarnation = 0;  // 0: none
  std::string stop_cause{};            // "stop", "scale", "removed", "config", "operator", "liveness" ...
  std::optional<MonoTime> stop_since{};
  std::optional<MonoTime> killed_at{};  // the last KILL
  bool operator==(const OrdinalLedger&) const = default;
};

// One instance of a runtime that restarts by itself, by its name there.
struct DelegatedLedger {
  std::uint64_t folded_exit = 0;    // incarnation whose exit is already counted
  std::string spec_hash{};          // of the spec it was started with
  std::uint64_t restart_nonce = 0;  // likewise
  bool exited = false;              // at last sight: its end is known already
  std::string leaving{};            // why it is going: as OrdinalLedger::stop_cause; empty: it isn't
  bool operator==(const DelegatedLedger&) const = default;
};

struct RestartLedger {
  std::map<int, OrdinalLedger> ordinals{};
  std::map<std::string, DelegatedLedger> delegated{};
  std::optional<ExitRecord> delegated_exit{};                // the newest of these
  std::map<std::string, std::uint64_t> restarts_by_cause{};  // counts restarts, ever; the first start is none
  std::string runtime{};  // where the newest instances were started or seen, "docker"; empty: nowhere yet
  std::string boot{};     // boot id: monotonic times of another boot mean nothing
  // Of the declaration that was last in force: how to stop what is not declared any more, and its hash.
  StopPolicy last_stop{};
  std::string declaration{};
  bool operator==(const RestartLedger&) const = default;
};

}  // namespace holdfast
