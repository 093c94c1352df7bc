// The view in one word, and whether anything is left to do.
#include <algorithm>
#include <string>

#include "controller/planner/planner.h"
#include "controller/planner/view.h"

namespace holdfast::planner {
namespace {

bool final_state(const OrdinalView& of, bool halted) {
  if (!of.wanted) return of.runs.empty();
  switch (of.state) {
    case State::kReady:
      return of.live_count == 1 && (of.replace.empty() || halted);
    case State::kFailed:
    case State::kCompleted:
      return true;
    default:
      return false;
  }
}

bool of_wanted(const View& view, State state) {
  return view.count(state) > 0;
}

bool has_stalled(const PlanInput& input) {
  const auto* has = workload_of(input);
  return has != nullptr && !has->stalled.empty() && has->spec_hash == input.spec->spec_hash;
}

}  // namespace

bool all_as_wanted(const View& view) {
  const auto& all = view.ordinals();
  return std::all_of(all.begin(), all.end(), [](const OrdinalView& of) {
    return of.wanted ? of.state == State::kReady && of.replace.empty() : of.live == nullptr;
  });
}

std::string phase_of(const PlanInput& input, const Plan& /*plan*/) {
  if (!input.spec) return "Removing";
  const View view(input);
  if (view.any(State::kUnknown)) return "Unknown";
  if (input.desired == Desired::kStopped) return view.any_live() ? "Stopping" : "Stopped";
  if (of_wanted(view, State::kFailed) || has_stalled(input)) return "Failed";
  if (of_wanted(view, State::kBackoff)) return "Backoff";
  if (of_wanted(view, State::kHeld)) return "Waiting";
  if (of_wanted(view, State::kStopping)) return "Stopping";
  if (of_wanted(view, State::kDue) || of_wanted(view, State::kStarting)) return "Starting";
  if (of_wanted(view, State::kReady) || of_wanted(view, State::kUnready)) return "Running";
  if (of_wanted(view, State::kCompleted)) return "Completed";
  return view.any_live() ? "Stopping" : "Stopped";  // no replicas declared
}

bool settled(const PlanInput& input, const Plan& plan) {
  const View view(input);
  if (delegated(input)) return workload_settled(input, plan, view);
  const auto& all = view.ordinals();
  if (!input.spec) return all.empty();
  if (!plan.actions.empty()) return false;
  const bool halted = of_wanted(view, State::kFailed);  // an instance that failed for good halts replacements
  return std::all_of(all.begin(), all.end(),
                     [halted](const OrdinalView& of) { return final_state(of, halted); });
}

}  // namespace holdfast::planner
