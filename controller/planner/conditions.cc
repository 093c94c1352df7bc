// Conditions: the view, told to people and machines.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/base/text.h"
#include "controller/planner/view.h"

namespace holdfast::planner {
namespace {

using Truth = Condition::Status;

struct Told {
  Truth status = Truth::kFalse;
  std::string reason;
  std::string message;
};

Condition condition(const PlanInput& input, std::string_view type, Told told) {
  Condition out;
  out.type = type;
  out.status = told.status;
  out.reason = std::move(told.reason);
  out.message = std::move(told.message);
  if (input.spec) out.observed_generation = input.spec->generation;
  return out;
}

const OrdinalView* first(const View& view, State state) {
  const auto& all = view.ordinals();
  const auto found =
      std::find_if(all.begin(), all.end(), [state](const OrdinalView& of) { return of.state == state; });
  return found == all.end() ? nullptr : &*found;
}

std::string instance_text(const OrdinalView& of, const std::string& what) {
  return "instance " + std::to_string(of.ordinal) + (what.empty() ? "" : ": " + what);
}

std::string exit_text(const OrdinalView& of) {
  return of.ledger != nullptr && of.ledger->last_exit ? of.ledger->last_exit->reason : std::string();
}

std::string unknown_text(const OrdinalView& of) {
  for (const ObservedInstance& run : of.runs)
    if (run.phase == Phase::kUnknown) return instance_text(of, run.message);
  return instance_text(of, {});
}

std::string backoff_text(const PlanInput& input, const OrdinalView& of) {
  if (of.ledger == nullptr || !of.ledger->next_start) {  // the runtime's own
    const auto& run = of.runs.back();
    return instance_text(of, run.message.empty() && run.exit ? run.exit->reason : run.message);
  }
  std::string text = "starts again in " + seconds_text(*of.ledger->next_start - input.now) + " after " +
                     std::to_string(of.ledger->consecutive_failures) + " failure(s) in a row";
  const std::string exit = exit_text(of);
  return instance_text(of, exit.empty() ? text : text + ", last: " + exit);
}

std::string failed_text(const PlanInput& input, const OrdinalView& of) {
  std::string text;
  if (input.spec->restart.mode == RestartMode::kNever) {
    text = "failed, and restart policy is never";
  } else {
    text = "failed again after " + std::to_string(input.spec->restart.budget_attempts) + " restarts within " +
           seconds_text(input.spec->restart.budget_window);
  }
  const std::string exit = exit_text(of);
  if (!exit.empty()) text += ", last: " + exit;
  return instance_text(of, text + "; start it again, or change its configuration");
}

std::string unready_text(const OrdinalView& of) {
  if (!of.live->runtime_ready.value_or(true)) return instance_text(of, of.live->message);
  if (of.health != nullptr && !of.health->message.empty()) return instance_text(of, of.health->message);
  if (of.live->phase != Phase::kRunning) return instance_text(of, of.live->message);
  return instance_text(of, of.state == State::kStarting ? "startup probe has not passed yet"
                                                        : "readiness probe has not passed yet");
}

// Why not every wanted instance is ready: the worst reason.
std::optional<Told> shortfall(const PlanInput& input, const View& view) {
  if (const auto* of = first(view, State::kUnknown))
    return Told{Truth::kUnknown, "InstanceUnknown", unknown_text(*of)};
  if (const auto* of = first(view, State::kFailed))
    return Told{Truth::kFalse, "Failed", failed_text(input, *of)};
  if (const auto* of = first(view, State::kBackoff))
    return Told{Truth::kFalse, "CrashBackoff", backoff_text(input, *of)};
  if (view.any(State::kHeld))
    return Told{Truth::kFalse, "WaitingForDependencies", join(input.dependencies.unmet, "; ")};
  for (const OrdinalView& of : view.ordinals())
    if (of.wanted && of.state == State::kStopping)
      return Told{
          Truth::kFalse, "Restarting",
          instance_text(of, of.ledger != nullptr ? "is stopping: " + of.ledger->stop_cause : "is stopping")};
  if (const auto* of = first(view, State::kDue))
    return Told{Truth::kFalse, "Starting", instance_text(*of, {})};
  if (const auto* of = first(view, State::kStarting))
    if (of->wanted) return Told{Truth::kFalse, "Starting", unready_text(*of)};
  if (const auto* of = first(view, State::kUnready))
    if (of->wanted) return Told{Truth::kFalse, "NotReady", unready_text(*of)};
  if (const auto* of = first(view, State::kCompleted))
    return Told{Truth::kFalse, "Completed", instance_text(*of, exit_text(*of))};
  return std::nullopt;
}

Told ready(const PlanInput& input, const View& view) {
  if (!input.spec) return {Truth::kFalse, "Removing", "no longer declared"};
  if (input.desired == Desired::kStopped)
    return view.any_live() ? Told{Truth::kFalse, "Stopping", {}} : Told{Truth::kFalse, "Stopped", {}};
  const std::string ratio =
      std::to_string(view.count(State::kReady)) + " of " + std::to_string(view.wanted()) + " ready";
  auto told = shortfall(input, view);
  if (!told) return {Truth::kTrue, "AllReady", ratio};
  told->message = told->message.empty() ? ratio : ratio + "; " + told->message;
  return std::move(*told);
}

// Instances that still are to be replaced.
std::optional<Told> replacing(const PlanInput& input, const View& view) {
  const auto& all = view.ordinals();
  const auto old =
      std::count_if(all.begin(), all.end(), [](const OrdinalView& of) { return !of.replace.empty(); });
  if (old == 0) return std::nullopt;
  const std::string text =
      std::to_string(old) + " of " + std::to_string(view.wanted()) + " still to be restarted";
  if (!input.dependencies.unmet.empty())
    return Told{Truth::kTrue, "WaitingForDependencies", text + "; " + join(input.dependencies.unmet, "; ")};
  if (const auto* of = first(view, State::kFailed))
    return Told{Truth::kFalse, "ReplacementHalted", text + "; " + instance_text(*of, "failed")};
  return Told{Truth::kTrue, "Replacing", text};
}

Told unwanted_progress(const PlanInput& input, const View& view) {
  const std::string reason = input.spec ? "Stopping" : "Removing";
  if (!view.any_live())
    return view.ordinals().empty() ? Told{Truth::kFalse, "Settled", {}} : Told{Truth::kTrue, reason, {}};
  if (!input.dependencies.dependents_up.empty())
    return {Truth::kTrue, "WaitingForDependents", join(input.dependencies.dependents_up, "; ")};
  return {Truth::kTrue, reason, {}};
}

Told progressing(const PlanInput& input, const View& view) {
  if (!input.spec || input.desired == Desired::kStopped) return unwanted_progress(input, view);
  if (auto told = replacing(input, view)) return std::move(*told);
  for (const OrdinalView& of : view.ordinals()) {
    if (!of.wanted) return {Truth::kTrue, "ScalingDown", instance_text(of, {})};
    switch (of.state) {
      case State::kBackoff:
        return {Truth::kTrue, "CrashBackoff", {}};
      case State::kHeld:
        return {Truth::kTrue, "WaitingForDependencies", join(input.dependencies.unmet, "; ")};
      case State::kStopping:
        return {Truth::kTrue, "Restarting", {}};
      case State::kDue:
      case State::kStarting:
      case State::kUnready:
        return {Truth::kTrue, "Starting", {}};
      default:
        break;
    }
  }
  return {Truth::kFalse, "Settled", {}};
}

// Nullopt: its rollout goes on, or is done.
std::optional<Told> failed_workload(const PlanInput& input) {
  const auto* has = workload_of(input);
  if (has == nullptr || !input.spec || input.desired != Desired::kRunning) return std::nullopt;
  if (is_rejected(input))
    return Told{Truth::kTrue, "RolledBack",
                "went back to the configuration that ran before: " + has->rejected_because +
                    "; restart it to try again, or change its configuration"};
  if (has->stalled.empty()) return std::nullopt;
  return Told{Truth::kTrue, "RolloutStalled", has->stalled};
}

Told failed(const PlanInput& input, const View& view) {
  if (auto told = failed_workload(input)) return std::move(*told);
  if (const auto* of = first(view, State::kFailed)) {
    const bool never = input.spec->restart.mode == RestartMode::kNever;
    return {Truth::kTrue, never ? "RestartForbidden" : "BudgetExhausted", failed_text(input, *of)};
  }
  return {Truth::kFalse, "NotFailed", {}};
}

Told observed(const View& view) {
  if (const auto* of = first(view, State::kUnknown))
    return {Truth::kUnknown, "InstanceUnknown", unknown_text(*of)};
  return {Truth::kTrue, "Observed", {}};
}

}  // namespace

std::vector<Condition> conditions_of(const PlanInput& input, const View& view) {
  std::vector<Condition> out;
  out.reserve(4);
  out.push_back(condition(input, "Ready", ready(input, view)));
  out.push_back(condition(input, "Progressing", progressing(input, view)));
  out.push_back(condition(input, "Failed", failed(input, view)));
  out.push_back(condition(input, "Observed", observed(view)));
  return out;
}

}  // namespace holdfast::planner
