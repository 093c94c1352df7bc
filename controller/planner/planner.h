// Pure functions from what is known to what should be done. No clock, no I/O, no state: `now` and everything
// else is data.
#pragma once

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
  std::vector<std::string> unmet;  // "database: waiting to be healthy"; non-empty holds back first starts
  std::vector<std::string>
      dependents_up;  // dependents that are to stop too and still run; holds back the stop
};

struct PlanInput {
  SpecPtr spec;  // null: not declared (any more), everything of it is to go
  std::string service;
  Desired desired = Desired::kRunning;  // effective: intent over config
  std::uint64_t restart_nonce = 0;
  const Observation* observation = nullptr;
  const RestartLedger* ledger = nullptr;  // already folded with this observation
  const HealthView* health = nullptr;
  const Capabilities* capabilities = nullptr;
  DependencyView dependencies;
  MonoTime now{};
};

// What a fold found out: for events and metrics.
struct FoldNote {
  enum class Kind { kStarted, kExited, kStable, kFailed, kCompleted, kBackoff };
  Kind kind;
  InstanceId id;
  std::uint64_t incarnation = 0;
  std::optional<ExitRecord> exit;
  std::string cause;  // of the restart that follows: crash, oom, liveness, startup, config, operator
  std::optional<Duration> delay;  // kBackoff: until the next start
};

struct FoldInput {
  SpecPtr spec;  // null: only records
  Desired desired = Desired::kRunning;
  std::uint64_t restart_nonce = 0;
  const Observation* observation = nullptr;
  MonoTime now{};
};

// Records exits and starts not seen before; every exit is counted once, by incarnation. Clears failed,
// completed and backoff when the spec hash or the restart nonce has moved on. An exit that was asked for (it
// was Stopping) is no failure and counts to no budget.
RestartLedger fold(RestartLedger ledger, const FoldInput& input, std::vector<FoldNote>* notes = nullptr);

Plan plan(const PlanInput& input);

// "Running Starting Stopping Stopped Waiting Backoff Failed Completed Unknown Removing": one word for people.
std::string phase_of(const PlanInput& input, const Plan& plan);
// Nothing left to do: every wanted instance runs as declared and is ready, or is stopped, failed or completed
// for good.
bool settled(const PlanInput& input, const Plan& plan);

}  // namespace holdfast::planner
