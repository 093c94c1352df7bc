// What must hold after every step.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/property/planner/world.h"

namespace holdfast::planner {
namespace {

std::string name_of(int ordinal) {
  return "instance " + std::to_string(ordinal);
}

const OrdinalLedger& ledger_of(const PlanInput& input, int ordinal) {
  static const OrdinalLedger kNone;
  const auto found = input.ledger->ordinals.find(ordinal);
  return found == input.ledger->ordinals.end() ? kNone : found->second;
}

bool alive(const ObservedInstance& run) {
  return run.phase != Phase::kExited;
}

}  // namespace

// The delay grows from failure to failure, until something that may reset it does.
void World::check_fold(const RestartLedger& before, const std::vector<FoldNote>& notes) {
  const bool moved = folded_hash_ != config_.spec_hash || folded_nonce_ != nonce_;
  if (declared_) {
    folded_hash_ = config_.spec_hash;
    folded_nonce_ = nonce_;
  }
  for (const auto& [key, now] : ledger_.ordinals) {
    const int ordinal = key;  // one that a lambda may take
    const auto was = before.ordinals.find(ordinal);
    const int failures_before = was == before.ordinals.end() ? 0 : was->second.consecutive_failures;
    const bool stable = std::any_of(notes.begin(), notes.end(), [ordinal](const FoldNote& n) {
      return n.kind == FoldNote::Kind::kStable && n.id.ordinal == ordinal;
    });
    const auto exits = std::count_if(notes.begin(), notes.end(), [ordinal](const FoldNote& n) {
      return n.kind == FoldNote::Kind::kExited && n.id.ordinal == ordinal;
    });
    if (now.consecutive_failures < failures_before)
      expect(stable || moved || !wanted(ordinal),
             name_of(ordinal) + ": the streak was reset without a reason");
    expect(now.consecutive_failures <= failures_before + exits,
           name_of(ordinal) + ": an exit was counted twice");
    expect(now.recent_restarts.size() <= static_cast<size_t>(std::max(0, config_.restart.budget_attempts)) ||
               now == (was == before.ordinals.end() ? OrdinalLedger{} : was->second) || moved || !declared_,
           name_of(ordinal) + ": more restarts than the budget");
    if (stable || moved || now.consecutive_failures <= 1) last_delay_.erase(ordinal);
    if (now.consecutive_failures <= failures_before || !now.next_start) continue;
    const Duration delay = *now.next_start - clock_.now();
    const auto last = last_delay_.find(ordinal);
    expect(last == last_delay_.end() || delay >= last->second, name_of(ordinal) + ": the backoff shrank");
    last_delay_[ordinal] = delay;
  }
}

void World::check_plan(const PlanInput& input, const Plan& plan) {
  expect(plan.actions == holdfast::planner::plan(input).actions, "the plan is not a function of its input");
  expect(!plan.next_check || *plan.next_check > input.now, "the next check lies in the past");
  for (const Action& action : plan.actions) {
    if (const auto* start = std::get_if<StartInstance>(&action)) check_start(input, *start);
    if (const auto* kill = std::get_if<KillInstance>(&action)) check_kill(input, *kill);
    if (const auto* signal = std::get_if<SignalInstance>(&action))
      expect(!signal->cause.empty(), "a stop without a cause");
  }
  for (int ordinal = 0; ordinal < config_.replicas; ++ordinal)
    if (wanted(ordinal)) check_answer(input, plan, ordinal);
  check_disruption(input, plan);
}

void World::check_start(const PlanInput& input, const StartInstance& start) {
  const int ordinal = start.id.ordinal;
  expect(wanted(ordinal), name_of(ordinal) + " is started though it is not wanted");
  expect(input.dependencies.unmet.empty(), name_of(ordinal) + " is started before its dependencies");
  const OrdinalLedger& of = ledger_of(input, ordinal);
  expect(start.incarnation > of.incarnation, name_of(ordinal) + ": an incarnation is used again");
  expect(!of.failed && !of.completed, name_of(ordinal) + " is started though it had failed or completed");
  expect(!of.next_start || *of.next_start <= input.now,
         name_of(ordinal) + " is started before its backoff is over");
  for (const ObservedInstance& run : input.observation->instances)
    expect(run.id.ordinal != ordinal || !alive(run),
           name_of(ordinal) + " is started while a run of it is " + std::string(to_string(run.phase)));
}

void World::check_kill(const PlanInput& input, const KillInstance& kill) {
  for (const ObservedInstance& run : input.observation->instances) {
    if (run.id != kill.id || run.incarnation != kill.incarnation) continue;
    const bool late = run.stopping_since && input.now >= *run.stopping_since + config_.stop.grace_period;
    expect(run.phase == Phase::kStopping && late,
           name_of(kill.id.ordinal) + " is killed within its grace period");
  }
}

// An instance that should run and doesn't is started, waits for a known time or reason, or has failed:
// exactly one of them.
void World::check_answer(const PlanInput& input, const Plan& plan, int ordinal) {
  const auto& runs = input.observation->instances;
  if (std::any_of(runs.begin(), runs.end(),
                  [&](const ObservedInstance& run) { return run.id.ordinal == ordinal && alive(run); }))
    return;
  const OrdinalLedger& of = ledger_of(input, ordinal);
  const auto starts = std::count_if(plan.actions.begin(), plan.actions.end(), [&](const Action& action) {
    const auto* start = std::get_if<StartInstance>(&action);
    return start != nullptr && start->id.ordinal == ordinal;
  });
  const bool backoff = of.next_start && *of.next_start > input.now;
  const bool waits = backoff || !input.dependencies.unmet.empty();
  const bool ended = of.failed || of.completed;
  expect(starts <= 1, name_of(ordinal) + " is started twice in one plan");
  expect((starts == 1) + static_cast<int>(waits && !ended) + static_cast<int>(ended) == 1,
         name_of(ordinal) + " is not answered by exactly one of start, wait, failed");
  expect(!(of.failed && of.completed), name_of(ordinal) + " has failed and completed");
  if (backoff && !ended)
    expect(plan.next_check && *plan.next_check <= *of.next_start,
           name_of(ordinal) + ": nobody wakes for its start");
}

// Config changes, restarts and liveness probes share one budget: a single instance at a time.
void World::check_disruption(const PlanInput& input, const Plan& plan) {
  int disrupted = 0;
  bool voluntary = false;
  for (const Action& action : plan.actions) {
    const auto* signal = std::get_if<SignalInstance>(&action);
    if (signal == nullptr) continue;
    voluntary = voluntary || signal->cause == "config" || signal->cause == "operator";
    if (signal->cause == "config" || signal->cause == "operator" || signal->cause == "liveness") {
      const auto health = health_.find({signal->id.ordinal, signal->incarnation});
      disrupted += health == health_.end() || !health->second.startup_failed ? 1 : 0;
      voluntary = voluntary && (health == health_.end() ||
                                (!health->second.startup_failed && !health->second.liveness_failed));
    }
  }
  expect(disrupted <= 1, "several instances are taken down at once");
  if (!voluntary) return;
  for (const ObservedInstance& run : input.observation->instances)
    expect(!wanted(run.id.ordinal) || run.phase != Phase::kStopping ||
               run.incarnation < ledger_of(input, run.id.ordinal).incarnation,
           "an instance is taken down while another is still stopping");
}

// Came to rest: the world is as declared, and stays so.
void World::check_rest() {
  const auto observation = runtime_.observe("web");
  const PlanInput in = input(*observation);
  std::map<int, int> live;
  for (const ObservedInstance& run : observation->instances) {
    if (!alive(run)) continue;
    ++live[run.id.ordinal];
    expect(run.phase == Phase::kRunning && wanted(run.id.ordinal),
           name_of(run.id.ordinal) + " is not wanted");
    const bool halted = phase_of(in, plan(in)) == "Failed";
    expect(halted || (run.spec_hash == config_.spec_hash && run.restart_nonce == nonce_),
           name_of(run.id.ordinal) + " is of an earlier configuration");
  }
  for (int ordinal = 0; ordinal < config_.replicas; ++ordinal) {
    const OrdinalLedger& of = ledger_of(in, ordinal);
    const int expected = wanted(ordinal) && !of.failed && !of.completed ? 1 : 0;
    expect(live[ordinal] == expected, name_of(ordinal) + " runs " + std::to_string(live[ordinal]) + " times");
  }
  const RestartLedger before = ledger_;
  expect(!step() && before == ledger_, "the loop is not at rest");
}

}  // namespace holdfast::planner
