#include "controller/planner/view.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "controller/planner/causes.h"

namespace holdfast::planner {
namespace {

const InstanceHealth* health_of(const PlanInput& input, const ObservedInstance& run) {
  if (input.health == nullptr || input.health->empty()) return nullptr;
  const auto found = input.health->find({run.id.ordinal, run.incarnation});
  return found == input.health->end() ? nullptr : &found->second;
}

bool ready(const PlanInput& input, const ObservedInstance& run, const InstanceHealth* health) {
  if (run.phase != Phase::kRunning || !run.runtime_ready.value_or(true)) return false;
  if (health != nullptr) return health->ready;
  // Unknown is no pass: a declared probe that has not reported yet holds back "ready".
  return delegated(input) || !input.spec || (!input.spec->health.startup && !input.spec->health.readiness);
}

State state_of_live(const PlanInput& input, const OrdinalView& of) {
  switch (of.live->phase) {
    case Phase::kPending:
    case Phase::kStarting:
      return State::kStarting;
    case Phase::kStopping:
      return State::kStopping;
    case Phase::kRunning:
      break;
    case Phase::kExited:
    case Phase::kUnknown:
      return State::kUnknown;
  }
  if (ready(input, *of.live, of.health)) return State::kReady;
  const bool starting = of.health == nullptr ? input.spec && input.spec->health.startup.has_value()
                                             : of.health->state == HealthState::kStarting;
  return starting ? State::kStarting : State::kUnready;
}

// A runtime that restarts by itself waits between attempts, too.
State state_of_absent_delegated(const PlanInput& input, const OrdinalView& of) {
  if (!of.runs.empty()) return State::kBackoff;
  const auto* has = workload_of(input);
  const bool held = !input.dependencies.unmet.empty() && (has == nullptr || has->replicas == 0);
  return held ? State::kHeld : State::kDue;
}

State state_of_absent(const PlanInput& input, const OrdinalView& of) {
  if (delegated(input)) return state_of_absent_delegated(input, of);
  if (of.ledger != nullptr) {
    if (of.ledger->failed) return State::kFailed;
    if (of.ledger->completed) return State::kCompleted;
    if (of.ledger->next_start && *of.ledger->next_start > input.now) return State::kBackoff;
  }
  return input.dependencies.unmet.empty() ? State::kDue : State::kHeld;
}

// A run without a recorded hash was adopted: nothing is known against it.
std::string_view replacement(const PlanInput& input, const OrdinalView& of) {
  if (delegated(input)) {  // against what the runtime was told last
    const auto* has = workload_of(input);
    if (has == nullptr) return {};
    if (of.live->restart_nonce < has->restart_nonce) return cause::kOperator;
    return of.live->spec_hash.empty() || of.live->spec_hash == has->spec_hash ? std::string_view()
                                                                              : cause::kConfig;
  }
  if (of.live->restart_nonce < input.restart_nonce) return cause::kOperator;
  if (!of.live->spec_hash.empty() && of.live->spec_hash != input.spec->spec_hash) return cause::kConfig;
  if (of.health == nullptr) return {};
  if (of.health->startup_failed) return cause::kStartup;
  if (of.health->liveness_failed) return cause::kLiveness;
  return {};
}

int wanted_replicas(const PlanInput& input) {
  if (!input.spec || input.desired != Desired::kRunning) return 0;
  const auto* has = delegated(input) ? workload_of(input) : nullptr;
  return has != nullptr && !has->scaler.empty() && has->replicas > 0 ? has->replicas : input.spec->replicas;
}

}  // namespace

bool OrdinalView::unhealthy() const {
  return health != nullptr && (health->startup_failed || health->liveness_failed);
}

View::View(const PlanInput& input) : groups_(input.observation) {
  const int replicas = wanted_ = wanted_replicas(input);
  ordinals_.reserve(static_cast<size_t>(std::max(replicas, 1)));
  for (int next = 0; next < replicas || !groups_.empty();) {
    const bool wanted = next < replicas && (groups_.empty() || groups_.next_ordinal() >= next);
    OrdinalView of;
    of.ordinal = wanted ? next++ : groups_.next_ordinal();
    of.wanted = wanted;
    of.runs = groups_.take(of.ordinal);
    assess(input, of);
    ordinals_.push_back(of);
  }
}

void View::assess(const PlanInput& input, OrdinalView& of) const {
  if (input.ledger != nullptr && !delegated(input)) {
    const auto found = input.ledger->ordinals.find(of.ordinal);
    if (found != input.ledger->ordinals.end()) of.ledger = &found->second;
  }
  bool unknown = false;
  for (const ObservedInstance& run : of.runs) {
    if (run.phase == Phase::kExited) continue;
    of.live = &run;
    ++of.live_count;
    unknown = unknown || run.phase == Phase::kUnknown;
  }
  if (of.live == nullptr) {
    of.state = of.wanted ? state_of_absent(input, of) : State::kGone;
    return;
  }
  of.health = health_of(input, *of.live);
  of.state = unknown ? State::kUnknown : state_of_live(input, of);
  const bool replaceable = of.wanted && !unknown && of.state != State::kStopping;
  if (replaceable) of.replace = replacement(input, of);
}

bool View::any_live() const {
  return std::any_of(ordinals_.begin(), ordinals_.end(),
                     [](const OrdinalView& of) { return of.live != nullptr; });
}

bool View::any(State state) const {
  return std::any_of(ordinals_.begin(), ordinals_.end(),
                     [state](const OrdinalView& of) { return of.state == state; });
}

int View::count(State state) const {
  return static_cast<int>(std::count_if(ordinals_.begin(), ordinals_.end(), [state](const OrdinalView& of) {
    return of.wanted && of.state == state;
  }));
}

bool is_ready(const PlanInput& input, const ObservedInstance& instance) {
  return ready(input, instance, health_of(input, instance));
}

std::string seconds_text(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (ms < 1000) return std::to_string(ms) + "ms";
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(ms) / 1000);
  std::string out(text.data(), static_cast<size_t>(length));
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out + "s";
}

}  // namespace holdfast::planner
