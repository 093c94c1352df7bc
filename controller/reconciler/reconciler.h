// One step of the loop for one service: look at the world, decide, act, publish.
//
//   wanted -> observe (error? no actions, condition, retry) -> fold ledger -> plan -> execute -> publish ->
//   when next
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/health/prober.h"
#include "controller/planner/planner.h"
#include "controller/reconciler/desired_state.h"
#include "controller/reconciler/runtime_set.h"
#include "controller/reconciler/status_board.h"
#include "controller/state/store.h"

namespace holdfast::reconciler {

struct StepResult {
  std::optional<Error> error;          // infrastructure: retry with the queue's backoff
  bool again = false;                  // something was done: look at once
  std::optional<MonoTime> next_check;  // when time alone changes the plan
  std::vector<std::string> also;       // other services for which this is news
};

// step() may be called from several threads, for different services at a time.
class Reconciler {
 public:
  struct Parts {
    const Clock& clock;
    RuntimeSet& runtimes;
    DesiredState& desired;
    StatusBoard& board;
    state::Store& store;
    health::Prober* prober = nullptr;                             // null: no probes run (simulation)
    std::function<ResourceUsage(const ObservedInstance&)> usage;  // newest sample; may be empty
    std::function<std::map<std::string, CollectedValues>(const std::string&)> collected;  // may be empty
    std::function<std::uint64_t()> config_revision;
    std::function<bool()> may_act{};  // asked before each action; empty: always
  };
  explicit Reconciler(Parts parts);

  StepResult step(const std::string& service);
  // Something of the service was seen on that runtime.
  void doubt(const std::string& service, Runtime* runtime);

 private:
  struct Memory {  // of one service, between its steps
    RestartLedger ledger;
    bool placed = false;                // the two below are set
    Runtime* home = nullptr;            // where its instances are; null: nowhere yet
    std::set<Runtime*> unchecked = {};  // where else something of it could be
    SpecPtr of, usable;                 // the spec as that runtime can serve it, and what it was made of
    Runtime* fitted_to = nullptr;
    std::vector<std::string> left_out;  // what it lacks
    bool fresh = true;  // no step yet: the last controller may have told of what is folded now
    std::optional<Error> last_error;
  };
  struct View;  // all that one step knows

  Memory& memory_of(const std::string& service);
  [[nodiscard]] planner::DependencyView dependencies(const Wanted& wanted, const std::string& service) const;
  void remember_declaration(View& view);
  Status locate(View& view);
  void place_first(Memory& memory);
  Result<std::optional<Observation>> look_home(View& view);
  Status settle_at(View& view, const Placement& placement, std::optional<Observation> at_home);
  void make_home(View& view, Runtime* runtime);
  void clear_leftovers(View& view);
  void clear_leftover(View& view, Runtime& runtime, const Observation& left);
  void fit_to_runtime(View& view) const;
  void fold(View& view);
  [[nodiscard]] bool may_act() const { return !parts_.may_act || parts_.may_act(); }
  std::optional<Error> act(View& view);
  Status may_start(View& view);
  Status prepare(View& view);
  void drop_starts(View& view);
  void publish(View& view);
  void finish_removal(View& view);
  void publish_unseen(View& view, const Error& error);
  [[nodiscard]] std::shared_ptr<ServiceStatus> describe(const View& view) const;
  static void add_degraded(ServiceStatus& status, const View& view);
  void record(const View& view, Event event);
  void tell_action(const View& view, const Action& action);
  void leave_out_told(const View& view, std::vector<planner::FoldNote>& notes) const;
  void tell_exits(const View& view, const std::vector<planner::FoldNote>& notes);
  void tell_changes(const View& view, const ServiceStatus* before, const ServiceStatus& after);

  Parts parts_;
  std::map<Runtime*, Capabilities> capabilities_;
  std::string boot_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Memory>> memories_;
  std::map<std::string, std::set<Runtime*>> doubts_;
};

}  // namespace holdfast::reconciler
