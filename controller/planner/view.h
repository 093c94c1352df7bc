// What the planner makes of one service at one moment, before it decides anything: one state for each
// ordinal.
//
//   wanted:      Due -> Starting -> Ready <-> Unready      Stopping (asked to, or being replaced)
//                Held (dependencies)   Backoff   Failed   Completed   Unknown (can't be seen)
//   not wanted:  whatever runs, until it is Gone
#pragma once

#include <vector>

#include "controller/planner/planner.h"
#include "controller/planner/runs.h"

namespace holdfast::planner {

enum class State {
  kGone,  // not wanted, and nothing runs (exited runs may be left to remove)
  kReady,
  kUnready,   // runs and has started, but doesn't pass its readiness probe
  kStarting,  // up to and including its startup probe
  kStopping,
  kUnknown,
  kDue,      // to be started now
  kBackoff,  // to be started later
  kHeld,     // to be started once its dependencies are met
  kFailed,
  kCompleted,
};

struct OrdinalView {
  int ordinal = 0;
  bool wanted = false;
  State state = State::kGone;
  Runs runs;
  const ObservedInstance* live = nullptr;  // the newest run that has not exited
  int live_count = 0;                      // runs that have not exited; above 1 is a fault
  const OrdinalLedger* ledger = nullptr;   // null: nothing known
  const InstanceHealth* health = nullptr;  // of live; null: no word of a probe
  std::string_view replace;                // cause for which live is to be replaced; empty: it is as declared
  [[nodiscard]] bool unhealthy() const;    // a probe asks for the restart
};

class View {
 public:
  explicit View(const PlanInput& input);
  [[nodiscard]] const std::vector<OrdinalView>& ordinals() const { return ordinals_; }
  [[nodiscard]] bool any(State state) const;
  [[nodiscard]] bool any_live() const;
  [[nodiscard]] int count(State state) const;  // of wanted ordinals
  [[nodiscard]] int wanted() const { return wanted_; }

 private:
  void assess(const PlanInput& input, OrdinalView& of) const;

  GroupedRuns groups_;
  std::vector<OrdinalView> ordinals_;
  int wanted_ = 0;
};

// "30s", "1.5s", "250ms".
std::string seconds_text(Duration duration);

// ---- of runtimes that keep whole workloads by themselves
bool delegated(const PlanInput& input);
const ObservedWorkload* workload_of(const PlanInput& input);  // null: there is none
// The declared spec didn't come up, and the one before is in force until an operator or a change says more.
bool is_rejected(const PlanInput& input);
Plan plan_workload(const PlanInput& input);
bool workload_settled(const PlanInput& input, const Plan& plan, const View& view);

// Every wanted instance is ready, and nothing else is left alive.
bool all_as_wanted(const View& view);
std::vector<Condition> conditions_of(const PlanInput& input, const View& view);

}  // namespace holdfast::planner
