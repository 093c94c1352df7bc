// The placing half of a step: on which runtime a service is, and where it is to be. Never on two.
//
//   home       where its instances were seen or started last; kept with the ledger, so that a controller that
//              comes back doesn't take "can't be asked" for "isn't there"
//   unchecked  where else something of it could be: asked once, and again when that runtime tells of it
#include <utility>

#include "controller/reconciler/reconciler.h"
#include "controller/reconciler/step_view.h"

namespace holdfast::reconciler {

namespace {

bool any_alive(const Observation& observation) {
  return (observation.workload && observation.workload->replicas > 0) ||
         std::any_of(observation.instances.begin(), observation.instances.end(), is_alive);
}

// Every run that is known has ended.
bool is_quiet(const RestartLedger& ledger) {
  return std::all_of(ledger.ordinals.begin(), ledger.ordinals.end(),
                     [](const auto& entry) { return entry.second.folded_exit >= entry.second.incarnation; });
}

}  // namespace

void Reconciler::doubt(const std::string& service, Runtime* runtime) {
  const std::lock_guard lock(mutex_);
  doubts_[service].insert(runtime);
}

void Reconciler::place_first(Memory& memory) {
  if (memory.placed) return;
  memory.placed = true;
  for (const auto& runtime : parts_.runtimes.all()) {
    if (to_string(runtime->kind()) == memory.ledger.runtime)
      memory.home = runtime.get();
    else
      memory.unchecked.insert(runtime.get());
  }
}

// nullopt: it isn't anywhere, or where it was can't be asked but nothing of it was left alive there and it
// may go on elsewhere.
Result<std::optional<Observation>> Reconciler::look_home(View& view) {
  auto* home = view.memory.home;
  if (!home) return std::optional<Observation>();
  auto seen = home->observe(view.service);
  if (seen) return std::optional(std::move(*seen));
  const bool may_go = view.wanted.spec && view.wanted.spec->runtime == RuntimeKind::kAuto &&
                      is_quiet(view.memory.ledger) && !home->availability().available;
  if (!may_go) return fail(seen.error());
  return std::optional<Observation>();
}

void Reconciler::make_home(View& view, Runtime* runtime) {
  auto& memory = view.memory;
  view.runtime = runtime;
  memory.unchecked.erase(runtime);
  if (memory.home == runtime) return;
  if (memory.home) memory.unchecked.insert(memory.home);
  memory.home = runtime;
  memory.ledger.runtime = to_string(runtime->kind());
  parts_.store.save_ledger(view.service, memory.ledger);
}

// A service that is to run elsewhere is taken down where it is before it comes up where it should be.
Status Reconciler::locate(View& view) {
  place_first(view.memory);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = doubts_.find(view.service); found != doubts_.end()) {
      view.memory.unchecked.merge(found->second);
      doubts_.erase(found);
      view.memory.unchecked.erase(view.memory.home);
    }
  }
  auto at_home = look_home(view);
  if (!at_home) return fail(at_home.error());
  auto* home = view.memory.home;
  if (!view.wanted.spec) {
    view.runtime = home ? home : parts_.runtimes.all().front().get();
    if (*at_home) view.observation = std::move(**at_home);
    return {};
  }
  const bool alive = *at_home && any_alive(**at_home);
  const auto placement = parts_.runtimes.place(*view.wanted.spec, alive ? home : nullptr);
  const bool occupied = *at_home && is_there(**at_home);
  if (occupied && (!placement || placement->runtime != home)) {
    view.runtime = home;
    view.moving = true;
    view.observation = std::move(**at_home);
    return {};
  }
  if (!placement) return fail(placement.error());
  return settle_at(view, *placement, std::move(*at_home));
}

Status Reconciler::settle_at(View& view, const Placement& placement, std::optional<Observation> at_home) {
  view.fallback = placement.fallback;
  if (placement.runtime == view.memory.home && at_home) {
    view.runtime = placement.runtime;
    view.observation = std::move(*at_home);
    return {};
  }
  auto observed = placement.runtime->observe(view.service);
  if (!observed) return fail(observed.error());
  make_home(view, placement.runtime);
  view.observation = std::move(*observed);
  return {};
}

// What runs elsewhere while the service has a home: left by a controller that died in between, or by a
// runtime that was out of reach. It goes, whatever it does; the ledger is not for it.
void Reconciler::clear_leftovers(View& view) {
  const auto unchecked = view.memory.unchecked;
  for (auto* runtime : unchecked) {
    if (runtime == view.runtime) continue;
    const auto left = runtime->observe(view.service);
    if (!left) continue;  // asked again when it tells of the service, or with the next step
    if (!is_there(*left)) {
      view.memory.unchecked.erase(runtime);
      continue;
    }
    view.leftovers = true;
    if (!may_act()) continue;
    clear_leftover(view, *runtime, *left);
  }
}

void Reconciler::clear_leftover(View& view, Runtime& runtime, const Observation& left) {
  const RestartLedger ledger;
  const auto plan = planner::plan({.spec = nullptr,
                                   .service = view.service,
                                   .desired = Desired::kStopped,
                                   .observation = &left,
                                   .ledger = &ledger,
                                   .health = nullptr,
                                   .capabilities = &capabilities_.at(&runtime),
                                   .dependencies = {},
                                   .now = parts_.clock.now(),
                                   .last_stop = view.memory.ledger.last_stop});
  for (const auto& action : plan.actions) {
    view.result.again |= std::holds_alternative<RemoveInstance>(action);
    if (!may_act()) return;
    if (const auto done = runtime.execute(action, {}); !done) {
      if (!view.error) view.error = done.error();
      return;
    }
    tell_action(view, action);
  }
  if (plan.next_check && (!view.plan.next_check || *plan.next_check < *view.plan.next_check))
    view.plan.next_check = plan.next_check;
}

}  // namespace holdfast::reconciler
