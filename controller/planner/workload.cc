// Runtimes that keep replicas, restarts and probes themselves only get told what is declared.
#include <string>

#include "controller/base/text.h"
#include "controller/planner/view.h"

namespace holdfast::planner {
namespace {

// Why the runtime is to be told again; empty: all is as declared.
std::string why_apply(const PlanInput& input, const ObservedWorkload& has) {
  if (has.replicas == 0 && input.spec->replicas > 0) return "desired state is running";
  if (has.spec_hash != input.spec->spec_hash) return "the configuration changed";
  if (has.restart_nonce < input.restart_nonce) return "a restart was asked for";
  return has.pending.empty() ? std::string() : "not as declared: " + join(has.pending, "; ");
}

void plan_running(const PlanInput& input, const ObservedWorkload* has, Plan& plan) {
  const bool runs = has != nullptr && has->replicas > 0;
  if (!runs && !input.dependencies.unmet.empty()) return;
  if (has == nullptr) {
    plan.actions.emplace_back(ApplyWorkload{input.service, "declared to run"});
    return;
  }
  if (runs && is_rejected(input)) {
    if (!has->pending.empty())
      plan.actions.emplace_back(
          RevertWorkload{input.service, "not as declared: " + join(has->pending, "; ")});
    return;
  }
  const bool can_revert = !has->stable_hash.empty() && has->stable_hash != has->spec_hash;
  const bool in_force = has->spec_hash == input.spec->spec_hash && has->restart_nonce >= input.restart_nonce;
  if (runs && in_force && can_revert && !has->stalled.empty()) {
    plan.actions.emplace_back(RevertWorkload{input.service, "the rollout stalled: " + has->stalled});
    return;
  }
  if (auto why = why_apply(input, *has); !why.empty())
    plan.actions.emplace_back(ApplyWorkload{input.service, std::move(why)});
}

}  // namespace

bool delegated(const PlanInput& input) {
  return input.capabilities != nullptr && input.capabilities->delegates_workload;
}

const ObservedWorkload* workload_of(const PlanInput& input) {
  return input.observation != nullptr && input.observation->workload ? &*input.observation->workload
                                                                     : nullptr;
}

bool is_rejected(const PlanInput& input) {
  const auto* has = workload_of(input);
  return has != nullptr && input.spec && has->rejected_hash == input.spec->spec_hash &&
         has->rejected_nonce >= input.restart_nonce;
}

Plan plan_workload(const PlanInput& input) {
  Plan plan;
  const auto* has = workload_of(input);
  const bool held = !input.dependencies.dependents_up.empty();
  if (!input.spec) {
    if (has != nullptr && !held)
      plan.actions.emplace_back(DeleteWorkload{input.service, "no longer declared"});
  } else if (input.desired == Desired::kStopped) {
    if (has != nullptr && has->replicas != 0 && !held)
      plan.actions.emplace_back(ScaleWorkload{input.service, 0, "desired state is stopped"});
  } else {
    plan_running(input, has, plan);
  }
  return plan;
}

bool workload_settled(const PlanInput& input, const Plan& plan, const View& view) {
  const auto* has = workload_of(input);
  if (!input.spec) return has == nullptr && view.ordinals().empty();
  if (!plan.actions.empty()) return false;
  if (input.desired == Desired::kStopped) return (has == nullptr || has->replicas == 0) && !view.any_live();
  if (has == nullptr) return false;
  if (!has->stalled.empty()) return true;  // for good, until something changes
  return !has->rolling_out && all_as_wanted(view);
}

}  // namespace holdfast::planner
