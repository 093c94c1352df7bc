// One service as the planner sees it, set up by hand: tests change what they are about and look at the plan.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/planner/planner.h"

namespace holdfast::planner {

using namespace std::chrono_literals;

inline const MonoTime kNow{10'000s};
inline const WallTime kWall{1'800'000'000s};

struct Case {
  ServiceSpec spec;
  bool declared = true;
  Desired desired = Desired::kRunning;
  std::uint64_t nonce = 0;
  Observation observation;
  RestartLedger ledger;
  HealthView health;
  Capabilities capabilities;
  DependencyView dependencies;
  MonoTime now = kNow;
  std::vector<FoldNote> notes;

  Case() {
    spec.name = "web";
    spec.spec_hash = "A";
    spec.restart.backoff.jitter = 0;
  }

  [[nodiscard]] PlanInput input() const {
    return PlanInput{.spec = declared ? std::make_shared<const ServiceSpec>(spec) : nullptr,
                     .service = "web",
                     .desired = desired,
                     .restart_nonce = nonce,
                     .observation = &observation,
                     .ledger = &ledger,
                     .health = &health,
                     .capabilities = &capabilities,
                     .dependencies = dependencies,
                     .now = now,
                     .last_stop = {}};
  }
  bool fold() {
    notes.clear();
    return fold_into(ledger,
                     FoldInput{.spec = declared ? std::make_shared<const ServiceSpec>(spec) : nullptr,
                               .service = "web",
                               .desired = desired,
                               .restart_nonce = nonce,
                               .observation = &observation,
                               .capabilities = &capabilities,
                               .now = now,
                               .wall = kWall},
                     &notes);
  }
  // As the loop does: folds, plans, and notes each action.
  Plan step() {
    fold();
    Plan out = plan(input());
    for (const Action& action : out.actions) note_action(ledger, action, now);
    return out;
  }
  [[nodiscard]] std::string phase() const { return phase_of(input(), plan(input())); }
  [[nodiscard]] bool is_settled() const { return settled(input(), plan(input())); }

  // A run that started 10 s ago.
  ObservedInstance& run(int ordinal, std::uint64_t incarnation, Phase phase = Phase::kRunning) {
    ObservedInstance out;
    out.id = {"web", ordinal};
    out.incarnation = incarnation;
    out.phase = phase;
    out.started_at = now - 10s;
    out.started_wall = kWall - 10s;
    out.spec_hash = spec.spec_hash;
    out.restart_nonce = nonce;
    if (phase == Phase::kStopping) out.stopping_since = now;
    auto& all = observation.instances;
    const auto after = std::upper_bound(all.begin(), all.end(), out, [](const auto& a, const auto& b) {
      return std::tie(a.id.ordinal, a.incarnation) < std::tie(b.id.ordinal, b.incarnation);
    });
    return *all.insert(after, std::move(out));
  }
  ObservedInstance& exited(int ordinal, std::uint64_t incarnation, int code) {
    ObservedInstance& out = run(ordinal, incarnation, Phase::kExited);
    out.exit =
        ExitRecord{.code = code, .signal = {}, .reason = "exit code " + std::to_string(code), .at = kWall};
    return out;
  }
  // The same ordinal, but another run or phase of it.
  void clear() { observation.instances.clear(); }
  void unhealthy(int ordinal, std::uint64_t incarnation, std::string message = "liveness: GET :80/: 503") {
    health[{ordinal, incarnation}] = InstanceHealth{.state = HealthState::kUnhealthy,
                                                    .ready = false,
                                                    .startup_failed = false,
                                                    .liveness_failed = true,
                                                    .message = std::move(message)};
  }
};

// "StartInstance 0#1", "SignalInstance 1#3 config": short enough for tables.
inline std::string brief(const Action& action) {
  return std::string(action_name(action)) + std::visit(
                                                [](const auto& a) -> std::string {
                                                  std::string out;
                                                  if constexpr (requires { a.id; })
                                                    out += " " + std::to_string(a.id.ordinal) + "#" +
                                                           std::to_string(a.incarnation);
                                                  if constexpr (requires { a.cause; })
                                                    if (!a.cause.empty()) out += " " + a.cause;
                                                  return out;
                                                },
                                                action);
}
inline std::vector<std::string> brief(const Plan& plan) {
  std::vector<std::string> out;
  for (const Action& action : plan.actions) out.push_back(brief(action));
  return out;
}

inline const Condition& condition(const Plan& plan, const std::string& type) {
  static const Condition kNone;
  const auto found = std::find_if(plan.conditions.begin(), plan.conditions.end(),
                                  [&](const Condition& c) { return c.type == type; });
  return found == plan.conditions.end() ? kNone : *found;
}
// "True AllReady"
inline std::string told(const Plan& plan, const std::string& type) {
  const Condition& found = condition(plan, type);
  return std::string(to_string(found.status)) + " " + found.reason;
}

inline bool noted(const Case& c, FoldNote::Kind kind) {
  return std::any_of(c.notes.begin(), c.notes.end(), [kind](const FoldNote& n) { return n.kind == kind; });
}

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

}  // namespace holdfast::planner
