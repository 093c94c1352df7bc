// Pure functions from what is known to what should be done. No clock, no I/O, no state: `now` and everything
// else is data. Thread-safe by that.
//
//   observe -> fold -> plan -> for each action: note_action, keep the ledger, execute -> observe ...
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/model/action.h"
#include "controller/model/capabilities.h"
#include "controller/model/health.h"
#include "controller/model/intent.h"
#include "controller/model/ledger.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"

namespace holdfast::planner {

struct DependencyView {
  // "database: waiting to be healthy"; non-empty holds back starts and replacements of what runs, but stops
  // nothing.
  std::vector<std::string> unmet;
  // Dependents that are to stop too and still run; holds back the stop.
  std::vector<std::string> dependents_up;
};

struct PlanInput {
  SpecPtr spec;  // null: not declared (any more), everything of it is to go
  std::string service;
  Desired desired = Desired::kRunning;  // effective: intent over config
  std::uint64_t restart_nonce = 0;
  const Observation* observation = nullptr;
  const RestartLedger* ledger = nullptr;  // already folded with this observation
  const HealthView* health = nullptr;     // null: no probes
  const Capabilities* capabilities = nullptr;
  DependencyView dependencies;
  MonoTime now{};
  StopPolicy last_stop{};  // how to stop what is not declared any more: as last declared, if that is known
};

// What a fold found out: for events and metrics.
struct FoldNote {
  // kBackoff is only told when the next start has to wait.
  enum class Kind { kStarted, kExited, kStable, kFailed, kCompleted, kBackoff };
  Kind kind;
  InstanceId id;
  std::uint64_t incarnation = 0;
  std::optional<ExitRecord> exit;
  // kStarted: why it was restarted, empty if it was no restart. kExited, kFailed, kBackoff: why it exited:
  // crash, exit (clean), oom, lost (disappeared), or as in SignalInstance::cause.
  std::string cause;
  std::optional<Duration> delay;  // kBackoff: until the next start
};

struct FoldInput {
  SpecPtr spec;         // null: only records
  std::string service;  // for notes, and the jitter's seed
  Desired desired = Desired::kRunning;
  std::uint64_t restart_nonce = 0;
  const Observation* observation = nullptr;
  const Capabilities* capabilities = nullptr;  // what a runtime restarts by itself is only recorded
  MonoTime now{};
  WallTime wall{};  // recorded with an instance that disappeared
};

// Records exits and starts not seen before; every exit is counted once, by incarnation. Clears failed,
// completed and backoff when the spec hash or the restart nonce has moved on, or the service is to be
// stopped. An exit that was asked for (see note_action) is no failure and counts to no budget, except when a
// probe was the reason. Returns whether the ledger changed.
bool fold_into(RestartLedger& ledger, const FoldInput& input, std::vector<FoldNote>* notes = nullptr);
RestartLedger fold(RestartLedger ledger, const FoldInput& input, std::vector<FoldNote>* notes = nullptr);

// To be called, and the ledger kept, before `action` is executed: remembers which run was asked to stop and
// why, so that its exit is understood even after a restart of the controller. Returns whether the ledger
// changed.
bool note_action(RestartLedger& ledger, const Action& action, MonoTime now);

Plan plan(const PlanInput& input);

// "Running Starting Stopping Stopped Waiting Backoff Failed Completed Unknown Removing": one word for people.
std::string phase_of(const PlanInput& input, const Plan& plan);
// Nothing left to do: every wanted instance runs as declared and is ready, or is stopped, failed or completed
// for good.
bool settled(const PlanInput& input, const Plan& plan);
// The run is started and passes readiness, or none is declared.
bool is_ready(const PlanInput& input, const ObservedInstance& instance);

}  // namespace holdfast::planner
