// What a runtime that restarts by itself has done: its exits are counted and told, never answered.
#include "controller/planner/fold_workload.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "controller/planner/causes.h"
#include "controller/planner/view.h"

namespace holdfast::planner {
namespace {

class WorkloadFolder {
 public:
  WorkloadFolder(RestartLedger& ledger, const FoldInput& input, std::vector<FoldNote>* notes)
      : ledger_(ledger), in_(input), notes_(notes) {}

  bool run() {
    const RestartLedger before = ledger_;
    for (const auto& seen : in_.observation->instances) {
      if (seen.name.empty()) continue;
      const auto [known, is_new] = ledger_.delegated.try_emplace(seen.name);
      if (is_new) new_.insert(seen.name);
    }
    for (const auto& seen : in_.observation->instances) {
      if (!seen.name.empty()) fold(seen, ledger_.delegated[seen.name]);
    }
    forget_gone();
    return ledger_ != before;
  }

 private:
  [[nodiscard]] bool wanted() const { return in_.spec && in_.desired == Desired::kRunning; }

  void fold(const ObservedInstance& seen, DelegatedLedger& of) {
    of.spec_hash = seen.spec_hash;
    of.restart_nonce = seen.restart_nonce;
    of.exited = seen.phase == Phase::kExited;
    const auto before = seen.incarnation > 0 ? seen.incarnation - 1 : 0;
    const auto ended = of.exited ? seen.incarnation : before;
    if (ended > of.folded_exit) see_exit(seen, of, ended);
    if (seen.phase == Phase::kStopping && of.leaving.empty()) of.leaving = why_it_goes(seen.name, of);
  }

  void see_exit(const ObservedInstance& seen, DelegatedLedger& of, std::uint64_t ended) {
    const auto& exit = of.exited ? seen.exit : seen.last_exit;
    const std::string cause(!exit              ? cause::kLost
                            : exit->oom_killed ? cause::kOom
                            : exit->clean()    ? cause::kExit
                                               : cause::kCrash);
    if (wanted() && of.leaving.empty()) ledger_.restarts_by_cause[cause] += ended - of.folded_exit;
    of.folded_exit = ended;
    if (exit) ledger_.delegated_exit = exit;
    note(seen.id, ended, exit.value_or(ExitRecord{.code = {}, .reason = "ended unseen", .at = in_.wall}),
         of.leaving.empty() ? cause : of.leaving);
  }

  // A surplus one goes because fewer are wanted; all else is replaced.
  [[nodiscard]] std::string why_it_goes(const std::string& name, const DelegatedLedger& of) const {
    if (!in_.spec) return std::string(cause::kRemoved);
    if (!wanted()) return std::string(cause::kStop);
    const auto& has = in_.observation->workload;
    if (has && of.restart_nonce < has->restart_nonce) return std::string(cause::kOperator);
    if (has && of.spec_hash != has->spec_hash) return std::string(cause::kConfig);
    const auto& all = in_.observation->instances;
    const auto others = std::count_if(all.begin(), all.end(), [&](const ObservedInstance& other) {
      return other.name != name && !new_.contains(other.name) && other.phase != Phase::kStopping &&
             other.phase != Phase::kExited;
    });
    return std::string(others >= (has ? has->replicas : in_.spec->replicas) ? cause::kScale : cause::kLost);
  }

  void forget_gone() {
    for (auto of = ledger_.delegated.begin(); of != ledger_.delegated.end();) {
      const auto& all = in_.observation->instances;
      const bool there =
          std::any_of(all.begin(), all.end(), [&](const auto& seen) { return seen.name == of->first; });
      if (!there) conclude(of->first, of->second);
      of = there ? std::next(of) : ledger_.delegated.erase(of);
    }
  }

  void conclude(const std::string& name, const DelegatedLedger& of) {
    const auto why = of.leaving.empty() ? why_it_goes(name, of) : of.leaving;
    const bool replaced = why == cause::kOperator || why == cause::kConfig || why == cause::kLost;
    if (of.exited || !replaced) return;
    ++ledger_.restarts_by_cause[why];
    if (why != cause::kLost) return;
    const ExitRecord exit{.code = {}, .reason = name + " was deleted by somebody else", .at = in_.wall};
    ledger_.delegated_exit = exit;
    note({in_.service, 0}, of.folded_exit + 1, exit, why);
  }

  void note(const InstanceId& id, std::uint64_t incarnation, const ExitRecord& exit, const std::string& why) {
    if (notes_) notes_->push_back({FoldNote::Kind::kExited, id, incarnation, exit, why, std::nullopt});
  }

  RestartLedger& ledger_;
  const FoldInput& in_;
  std::vector<FoldNote>* notes_;
  std::set<std::string> new_;
};

}  // namespace

bool fold_workload(RestartLedger& ledger, const FoldInput& input, std::vector<FoldNote>* notes) {
  return input.observation != nullptr && WorkloadFolder(ledger, input, notes).run();
}

}  // namespace holdfast::planner
