// Runtimes that keep replicas, restarts and probes themselves only get told what is declared.
#include <algorithm>
#include <string>

#include "controller/planner/view.h"

namespace holdfast::planner {
namespace {

bool as_declared(const OrdinalView& of) {
  if (!of.wanted) return of.live == nullptr || of.state == State::kStopping;
  return of.live != nullptr && of.replace.empty();
}

}  // namespace

Plan plan_workload(const PlanInput& input, const View& view) {
  Plan plan;
  const bool any_live =
      std::any_of(view.ordinals().begin(), view.ordinals().end(),
                  [](const OrdinalView& of) { return of.live != nullptr && of.state != State::kStopping; });
  if (!input.spec) {
    // Also with no instance in sight: a workload that was scaled to nothing still exists.
    if (input.dependencies.dependents_up.empty())
      plan.actions.emplace_back(DeleteWorkload{input.service, "no longer declared"});
    return plan;
  }
  if (input.desired == Desired::kStopped) {
    if (any_live && input.dependencies.dependents_up.empty())
      plan.actions.emplace_back(ScaleWorkload{input.service, 0, "desired state is stopped"});
    return plan;
  }
  if (!input.dependencies.unmet.empty() && !any_live) return plan;
  if (!std::all_of(view.ordinals().begin(), view.ordinals().end(), as_declared))
    plan.actions.emplace_back(ApplyWorkload{input.service, "not as declared yet"});
  return plan;
}

}  // namespace holdfast::planner
