// What to do now: one pass over the ordinals, then at most one disruption of what runs well enough.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/planner/causes.h"
#include "controller/planner/planner.h"
#include "controller/planner/view.h"

namespace holdfast::planner {
namespace {

constexpr Duration kKillAgain = std::chrono::seconds{1};  // KILL is repeated while a run doesn't exit

class Planner {
 public:
  Planner(const PlanInput& input, const View& view)
      : in_(input), view_(view), stop_(input.spec ? input.spec->stop : input.last_stop) {}

  Plan run() {
    for (const OrdinalView& of : view_.ordinals()) {
      clean_up(of);
      if (of.state == State::kUnknown) continue;  // not seen is not absent, and says nothing of older runs
      stop_duplicates(of);
      if (of.wanted) {
        serve(of);
      } else if (of.live != nullptr) {
        retire(of);
      }
    }
    replace_some();
    return std::move(plan_);
  }

 private:
  void check_at(MonoTime at) {
    if (at > in_.now && (!plan_.next_check || at < *plan_.next_check)) plan_.next_check = at;
  }

  // Exited runs are kept while they explain why nothing runs, and until the next start takes their place.
  void clean_up(const OrdinalView& of) {
    for (const ObservedInstance& run : of.runs) {
      if (run.phase != Phase::kExited) continue;
      const bool newest = &run == &of.runs.back();
      if (newest && of.wanted) continue;
      plan_.actions.emplace_back(
          RemoveInstance{run.id, run.incarnation, newest ? std::string(unwanted_text()) : "replaced"});
    }
  }

  void stop_duplicates(const OrdinalView& of) {
    if (of.live_count < 2) return;
    for (const ObservedInstance& run : of.runs)
      if (run.phase != Phase::kExited && &run != of.live)
        stop(of, run, cause::kDuplicate, "a newer run of the same instance exists");
  }

  void serve(const OrdinalView& of) {
    switch (of.state) {
      case State::kDue:
        start(of);
        return;
      case State::kBackoff:
        check_at(*of.ledger->next_start);
        return;
      case State::kStopping:
        stop(of, *of.live, {}, {});
        return;
      default:
        break;
    }
    // A run that survives long enough ends the streak of failures: fold again then.
    if (of.live != nullptr && of.live->started_at && of.ledger != nullptr &&
        of.ledger->consecutive_failures > 0)
      check_at(*of.live->started_at + in_.spec->restart.backoff.reset_after);
  }

  void start(const OrdinalView& of) {
    std::uint64_t last = of.ledger != nullptr ? of.ledger->incarnation : 0;
    if (!of.runs.empty()) last = std::max(last, of.runs.back().incarnation);
    std::string why, reason = "declared to run";
    if (of.ledger != nullptr && !of.ledger->next_cause.empty()) {
      why = of.ledger->next_cause;
      if (why == cause::kConfig) {
        reason = "the configuration changed";
      } else if (why == cause::kOperator) {
        reason = "a restart was asked for";
      } else {
        reason = why;
        if (of.ledger->last_exit && !of.ledger->last_exit->reason.empty())
          reason += ": " + of.ledger->last_exit->reason;
      }
    }
    plan_.actions.emplace_back(
        StartInstance{InstanceId{in_.service, of.ordinal}, last + 1, std::move(reason), std::move(why)});
  }

  [[nodiscard]] std::string_view unwanted_cause() const {
    if (!in_.spec) return cause::kRemoved;
    return in_.desired == Desired::kStopped ? cause::kStop : cause::kScale;
  }
  [[nodiscard]] std::string_view unwanted_text() const {
    if (!in_.spec) return "no longer declared";
    return in_.desired == Desired::kStopped ? "desired state is stopped" : "fewer replicas are declared";
  }

  void retire(const OrdinalView& of) {
    const bool held = !in_.dependencies.dependents_up.empty() && unwanted_cause() != cause::kScale;
    if (held && of.state != State::kStopping) return;
    stop(of, *of.live, unwanted_cause(), std::string(unwanted_text()));
  }

  // Signal, then wait for as long as the grace period, then kill until it is gone.
  void stop(const OrdinalView& of, const ObservedInstance& run, std::string_view why, std::string reason) {
    if (run.phase != Phase::kStopping) {
      plan_.actions.emplace_back(
          SignalInstance{run.id, run.incarnation, stop_.signal, std::move(reason), std::string(why)});
      check_at(in_.now + stop_.grace_period);
      return;
    }
    const bool noted = of.ledger != nullptr && of.ledger->stop_incarnation == run.incarnation;
    std::optional<MonoTime> since = run.stopping_since;
    if (!since && noted) since = of.ledger->stop_since;
    const MonoTime deadline = since.value_or(in_.now) + stop_.grace_period;
    if (in_.now < deadline) return check_at(deadline);
    if (noted && of.ledger->killed_at && in_.now < *of.ledger->killed_at + kKillAgain)
      return check_at(*of.ledger->killed_at + kKillAgain);
    plan_.actions.emplace_back(KillInstance{run.id, run.incarnation,
                                            "did not stop within " + seconds_text(stop_.grace_period),
                                            noted ? of.ledger->stop_cause : std::string(why)});
    check_at(in_.now + kKillAgain);
  }

  void replace(const OrdinalView& of) {
    std::string reason;
    if (of.replace == cause::kConfig) {
      reason = "the configuration changed";
    } else if (of.replace == cause::kOperator) {
      reason = "a restart was asked for";
    } else {
      reason = of.health->message.empty() ? std::string(of.replace) + " probe failed" : of.health->message;
    }
    stop(of, *of.live, of.replace, std::move(reason));
  }

  // Would stopping `of` take a second instance out of service at the same time?
  [[nodiscard]] bool blocks(const OrdinalView& other, const OrdinalView& of) const {
    if (&other == &of || !other.wanted || !other.replace.empty()) return false;
    switch (other.state) {
      case State::kReady:
      case State::kCompleted:
        return false;
      case State::kDue:
      case State::kStopping:
        return true;
      case State::kStarting:
        return !of.unhealthy() || other.live->phase != Phase::kPending;
      default:
        // Waiting for an instance that may never come back must not keep one alive that a probe has given up.
        return !of.unhealthy();
    }
  }
  [[nodiscard]] bool allowed(const OrdinalView& of) const {
    return std::none_of(view_.ordinals().begin(), view_.ordinals().end(),
                        [&](const OrdinalView& other) { return blocks(other, of); });
  }

  // One disruption budget for all reasons: what never came up costs nothing, then the worst instance first.
  void replace_some() {
    const OrdinalView* pick = nullptr;
    const auto rank = [](const OrdinalView& of) {
      return of.unhealthy() ? 0 : of.state != State::kReady ? 1 : 2;
    };
    for (const OrdinalView& of : view_.ordinals()) {
      if (of.replace.empty()) continue;
      if (of.health != nullptr && of.health->startup_failed) {
        replace(of);
        continue;
      }
      // What is stopped now could not be started again.
      if (!of.unhealthy() && !in_.dependencies.unmet.empty()) continue;
      if (pick == nullptr || rank(of) < rank(*pick)) pick = &of;
    }
    if (pick != nullptr && allowed(*pick)) replace(*pick);
  }

  const PlanInput& in_;
  const View& view_;
  const StopPolicy stop_;
  Plan plan_;
};

}  // namespace

Plan plan(const PlanInput& input) {
  const View view(input);
  Plan out = delegated(input) ? plan_workload(input) : Planner(input, view).run();
  out.conditions = conditions_of(input, view);
  return out;
}

}  // namespace holdfast::planner
