// The memory of restarts, brought up to date with what is observed.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "controller/planner/backoff.h"
#include "controller/planner/causes.h"
#include "controller/planner/fold_workload.h"
#include "controller/planner/planner.h"
#include "controller/planner/runs.h"

namespace holdfast::planner {
namespace {

// One exit, however it became known.
struct Ending {
  std::uint64_t incarnation = 0;
  ExitRecord exit;
  std::string cause;
  bool asked = false;  // it was asked to stop
  Duration ran{0};
  std::string spec_hash;
  std::uint64_t restart_nonce = 0;
};

std::string_view cause_of(const ExitRecord& exit) {
  if (exit.oom_killed) return cause::kOom;
  return exit.clean() ? cause::kExit : cause::kCrash;
}

// Wall times tell the exact length, but the wall clock may have jumped; what has passed on the monotonic
// clock bounds it.
Duration length_of(const ObservedInstance& run, MonoTime now) {
  const bool has_wall = run.started_wall && run.exit && run.exit->at != WallTime{};
  const Duration wall =
      has_wall ? std::max(Duration{0}, Duration{run.exit->at - *run.started_wall}) : Duration::max();
  const Duration mono = run.started_at ? std::max(Duration{0}, now - *run.started_at) : Duration::max();
  const Duration ran = std::min(wall, mono);
  return ran == Duration::max() ? Duration{0} : ran;
}

class Folder {
 public:
  Folder(RestartLedger& ledger, const FoldInput& input, std::vector<FoldNote>* notes)
      : ledger_(ledger), in_(input), notes_(notes) {}

  bool run() {
    GroupedRuns groups(in_.observation);
    auto known = ledger_.ordinals.begin();
    while (!groups.empty() || known != ledger_.ordinals.end()) {
      const bool observed =
          !groups.empty() && (known == ledger_.ordinals.end() || groups.next_ordinal() <= known->first);
      if (!observed) {
        fold(known->first, known->second, {});
        ++known;
        continue;
      }
      const int ordinal = groups.next_ordinal();
      if (known == ledger_.ordinals.end() || known->first != ordinal)
        known = ledger_.ordinals.emplace_hint(known, ordinal, OrdinalLedger{});
      fold(ordinal, known->second, groups.take(ordinal));
      ++known;
    }
    return changed_;
  }

 private:
  [[nodiscard]] bool wanted(int ordinal) const {
    return in_.spec && in_.desired == Desired::kRunning && ordinal < in_.spec->replicas;
  }

  void fold(int ordinal, OrdinalLedger& of, Runs runs) {
    forget_outdated(ordinal, of);
    for (const ObservedInstance& run : runs) {
      const bool newest = &run == &runs.back();
      if (run.incarnation > of.incarnation) see_start(of, run);
      if (newest && run.phase == Phase::kStopping) see_stopping(of, run);
      if (run.phase == Phase::kExited && run.incarnation > of.folded_exit) see_exit(of, run, newest);
    }
    const bool present = !runs.empty() && runs.back().incarnation == of.incarnation;
    if (!present && of.incarnation > of.folded_exit) see_lost(ordinal, of);
    if (!runs.empty()) see_stable(of, runs.back());
  }

  static bool remembers(const OrdinalLedger& of) {
    return of.failed || of.completed || of.consecutive_failures > 0 || of.next_start ||
           !of.recent_restarts.empty();
  }
  static void clear(OrdinalLedger& of) {
    of.failed = of.completed = false;
    of.consecutive_failures = 0;
    of.streak_start = 0;
    of.next_start.reset();
    of.recent_restarts.clear();
  }

  void forget_outdated(int ordinal, OrdinalLedger& of) {
    if (!in_.spec) return;
    if (!wanted(ordinal)) {
      if (!remembers(of) && of.next_cause.empty()) return;
      clear(of);
      of.next_cause.clear();
      changed_ = true;
      return;
    }
    if (!remembers(of)) return;
    const bool nonce_moved = of.failed_nonce != in_.restart_nonce;
    const bool hash_moved = !of.failed_hash.empty() && of.failed_hash != in_.spec->spec_hash;
    if (!nonce_moved && !hash_moved) return;
    clear(of);
    of.failed_nonce = in_.restart_nonce;
    of.failed_hash = in_.spec->spec_hash;
    if (of.folded_exit == of.incarnation) of.next_cause = nonce_moved ? cause::kOperator : cause::kConfig;
    changed_ = true;
  }

  void see_start(OrdinalLedger& of, const ObservedInstance& run) {
    changed_ = true;
    of.incarnation = run.incarnation;
    of.failed = of.completed = false;
    of.next_start.reset();
    note(FoldNote::Kind::kStarted, run.id, run.incarnation, of.next_cause);
    if (of.next_cause.empty()) return;
    ++ledger_.restarts_by_cause[of.next_cause];
    of.last_cause = std::move(of.next_cause);
    of.next_cause.clear();
  }

  void see_stopping(OrdinalLedger& of, const ObservedInstance& run) {
    if (of.stop_incarnation == run.incarnation) return;
    changed_ = true;  // someone asked whose note is lost: all the same it was asked for
    of.stop_incarnation = run.incarnation;
    of.stop_cause = cause::kStop;
    of.stop_since = run.stopping_since.value_or(in_.now);
    of.killed_at.reset();
  }

  void see_exit(OrdinalLedger& of, const ObservedInstance& run, bool newest) {
    Ending end;
    end.incarnation = run.incarnation;
    end.exit = run.exit.value_or(ExitRecord{});
    end.asked = of.stop_incarnation == run.incarnation;
    end.cause = end.asked ? of.stop_cause : std::string(cause_of(end.exit));
    end.ran = length_of(run, in_.now);
    end.spec_hash = run.spec_hash;
    end.restart_nonce = run.restart_nonce;
    conclude(of, run.id, end, newest);
  }

  void see_lost(int ordinal, OrdinalLedger& of) {
    Ending end;
    end.incarnation = of.incarnation;
    end.exit.reason = "disappeared: the runtime no longer knows it";
    end.exit.at = in_.wall;
    end.asked = of.stop_incarnation == of.incarnation;
    end.cause = end.asked ? of.stop_cause : std::string(cause::kLost);
    if (in_.spec) end.spec_hash = in_.spec->spec_hash;
    end.restart_nonce = in_.restart_nonce;
    conclude(of, InstanceId{in_.service, ordinal}, end, true);
  }

  void see_stable(OrdinalLedger& of, const ObservedInstance& run) {
    if (of.consecutive_failures == 0 || run.phase != Phase::kRunning || !run.started_at || !in_.spec) return;
    if (in_.now - *run.started_at < in_.spec->restart.backoff.reset_after) return;
    end_streak(of, run.id, run.incarnation);
  }

  void end_streak(OrdinalLedger& of, const InstanceId& id, std::uint64_t incarnation) {
    changed_ = true;
    of.consecutive_failures = 0;
    of.streak_start = 0;
    note(FoldNote::Kind::kStable, id, incarnation, {});
  }

  void conclude(OrdinalLedger& of, const InstanceId& id, const Ending& end, bool newest) {
    changed_ = true;
    of.folded_exit = end.incarnation;
    of.last_exit = end.exit;
    if (end.asked) {
      of.stop_incarnation = 0;
      of.stop_cause.clear();
      of.stop_since.reset();
      of.killed_at.reset();
    }
    note(FoldNote::Kind::kExited, id, end.incarnation, end.cause, &end.exit);
    if (!newest || !wanted(id.ordinal)) return;
    if (end.asked && !cause::is_health(end.cause)) {
      of.next_start.reset();
      of.next_cause = cause::is_replacement(end.cause) ? end.cause : std::string();
      return;
    }
    if (of.consecutive_failures > 0 && end.ran >= in_.spec->restart.backoff.reset_after)
      end_streak(of, id, end.incarnation);
    of.failed_hash = end.spec_hash;
    of.failed_nonce = end.restart_nonce;
    answer(of, id, end);
    forget_outdated(id.ordinal, of);  // what has exited may be of an earlier configuration
  }

  // What policy makes of an exit that nobody asked for, or a probe did.
  void answer(OrdinalLedger& of, const InstanceId& id, const Ending& end) {
    const RestartPolicy& policy = in_.spec->restart;
    const bool failure = end.asked || !end.exit.clean();
    of.next_start.reset();
    of.next_cause.clear();
    if (policy.mode == RestartMode::kNever || (policy.mode == RestartMode::kOnFailure && !failure)) {
      of.failed = failure;
      of.completed = !failure;
      note(failure ? FoldNote::Kind::kFailed : FoldNote::Kind::kCompleted, id, end.incarnation, end.cause,
           &end.exit);
      return;
    }
    if (++of.consecutive_failures == 1) of.streak_start = end.incarnation;
    const double share = jitter_share(in_.service, id.ordinal, of.streak_start);
    const Duration delay = backoff_delay(policy.backoff, of.consecutive_failures, share);
    if (!take_from_budget(of, policy, in_.now, in_.now + delay)) {
      of.failed = true;
      note(FoldNote::Kind::kFailed, id, end.incarnation, end.cause, &end.exit);
      return;
    }
    of.next_start = in_.now + delay;
    of.next_cause = end.cause;
    if (delay > Duration{0}) note(FoldNote::Kind::kBackoff, id, end.incarnation, end.cause, &end.exit, delay);
  }

  void note(FoldNote::Kind kind, const InstanceId& id, std::uint64_t incarnation, const std::string& why,
            const ExitRecord* exit = nullptr, std::optional<Duration> delay = std::nullopt) {
    if (notes_ == nullptr) return;
    notes_->push_back(
        FoldNote{kind, id, incarnation, exit ? std::optional(*exit) : std::nullopt, why, delay});
  }

  RestartLedger& ledger_;
  const FoldInput& in_;
  std::vector<FoldNote>* notes_;
  bool changed_ = false;
};

bool note_stop(RestartLedger& ledger, const InstanceId& id, std::uint64_t incarnation, const std::string& why,
               MonoTime now) {
  OrdinalLedger& of = ledger.ordinals[id.ordinal];
  if (incarnation < of.incarnation || of.stop_incarnation == incarnation) return false;
  of.stop_incarnation = incarnation;
  of.stop_cause = why;
  of.stop_since = now;
  of.killed_at.reset();
  return true;
}

}  // namespace

bool fold_into(RestartLedger& ledger, const FoldInput& input, std::vector<FoldNote>* notes) {
  if (input.capabilities != nullptr && input.capabilities->delegates_workload)
    return fold_workload(ledger, input, notes);
  return Folder(ledger, input, notes).run();
}

RestartLedger fold(RestartLedger ledger, const FoldInput& input, std::vector<FoldNote>* notes) {
  fold_into(ledger, input, notes);
  return ledger;
}

bool note_action(RestartLedger& ledger, const Action& action, MonoTime now) {
  if (const auto* signal = std::get_if<SignalInstance>(&action))
    return note_stop(ledger, signal->id, signal->incarnation, signal->cause, now);
  if (const auto* kill = std::get_if<KillInstance>(&action)) {
    const bool changed = note_stop(ledger, kill->id, kill->incarnation, kill->cause, now);
    OrdinalLedger& of = ledger.ordinals[kill->id.ordinal];
    if (of.stop_incarnation != kill->incarnation) return changed;
    of.killed_at = now;
    return true;
  }
  return false;
}

}  // namespace holdfast::planner
