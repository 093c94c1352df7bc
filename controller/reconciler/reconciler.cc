#include "controller/reconciler/reconciler.h"

#include <utility>

#include "controller/reconciler/step_view.h"

namespace holdfast::reconciler {

Reconciler::Reconciler(Parts parts) : parts_(std::move(parts)), boot_(boot_id()) {
  for (const auto& runtime : parts_.runtimes.all()) capabilities_[runtime.get()] = runtime->capabilities();
  for (auto& [service, ledger] : parts_.store.ledgers()) {
    auto memory = std::make_unique<Memory>();
    memory->ledger = ledger;
    memories_[service] = std::move(memory);
  }
}

Reconciler::Memory& Reconciler::memory_of(const std::string& service) {
  const std::lock_guard lock(mutex_);
  auto& memory = memories_[service];
  if (!memory) memory = std::make_unique<Memory>();
  if (memory->ledger.boot.empty()) memory->ledger.boot = boot_;
  return *memory;
}

StepResult Reconciler::step(const std::string& service) {
  View view{.service = service, .wanted = parts_.desired.get(service), .memory = memory_of(service)};
  if (!view.wanted.known) return {};
  remember_declaration(view);
  if (const auto seen = locate(view); !seen) {
    // At first nobody has had time to look for its runtime; that is no news.
    if (parts_.runtimes.is_known()) publish_unseen(view, seen.error());
    view.result.error = seen.error();
    return view.result;
  }
  fit_to_runtime(view);
  fold(view);
  const bool probes_itself = capabilities_.at(view.runtime).delegates_workload;
  if (parts_.prober && !probes_itself) {
    if (view.spec && !view.moving) parts_.prober->track(view.spec, view.observation.instances);
    view.health = parts_.prober->view(service);
  }
  view.input = {.spec = view.moving ? nullptr : view.spec,
                .service = service,
                .desired = view.wanted.desired,
                .restart_nonce = view.wanted.restart_nonce,
                .observation = &view.observation,
                .ledger = &view.memory.ledger,
                .health = &view.health,
                .capabilities = &capabilities_.at(view.runtime),
                .dependencies = dependencies(view.wanted, service),
                .now = parts_.clock.now(),
                .last_stop = view.memory.ledger.last_stop};
  view.plan = planner::plan(view.input);
  view.error = act(view);
  clear_leftovers(view);
  publish(view);
  finish_removal(view);
  view.result.next_check = view.plan.next_check;
  view.result.error = view.error;
  return view.result;
}

// Kept for the day on which it is not declared any more, or a controller comes back.
void Reconciler::remember_declaration(View& view) {
  if (!view.wanted.spec) return;
  const auto& spec = *view.wanted.spec;
  auto& ledger = view.memory.ledger;
  if (ledger.last_stop == spec.stop && ledger.declaration == spec.declaration) return;
  ledger.last_stop = spec.stop;
  ledger.declaration = spec.declaration;
  parts_.store.save_ledger(view.service, ledger);
}

// A probe that a runtime has no means for is left out, rather than failed for ever: one configuration serves
// them all.
void Reconciler::fit_to_runtime(View& view) const {
  view.spec = view.wanted.spec;
  auto& memory = view.memory;
  memory.left_out.clear();
  if (!view.spec) return;
  const auto& features = capabilities_.at(view.runtime).features;
  const auto lacks = [&](const std::optional<Probe>& probe) {
    if (!probe) return false;
    const char* feature = std::holds_alternative<NotifyProbe>(probe->check)      ? "probes.notify"
                          : std::holds_alternative<HeartbeatProbe>(probe->check) ? "probes.heartbeat"
                                                                                 : "probes";
    const auto found = features.find(feature);
    return found != features.end() && found->second == Support::kUnsupported;
  };
  const auto& health = view.spec->health;
  for (const auto& [name, probe] : {std::pair{"startup", &health.startup},
                                    {"readiness", &health.readiness},
                                    {"liveness", &health.liveness}}) {
    if (lacks(*probe)) memory.left_out.push_back(std::string(name) + " probe");
  }
  if (memory.left_out.empty()) return;
  if (memory.of != view.spec || memory.fitted_to != view.runtime) {
    auto usable = std::make_shared<ServiceSpec>(*view.spec);
    for (auto* probe : {&usable->health.startup, &usable->health.readiness, &usable->health.liveness}) {
      if (lacks(*probe)) probe->reset();
    }
    memory.of = view.spec;
    memory.fitted_to = view.runtime;
    memory.usable = std::move(usable);
  }
  view.spec = memory.usable;
}

void Reconciler::fold(View& view) {
  std::vector<planner::FoldNote> notes;
  const planner::FoldInput input{.spec = view.wanted.spec,
                                 .service = view.service,
                                 .desired = view.wanted.desired,
                                 .restart_nonce = view.wanted.restart_nonce,
                                 .observation = &view.observation,
                                 .capabilities = &capabilities_.at(view.runtime),
                                 .now = parts_.clock.now(),
                                 .wall = parts_.clock.wall()};
  const bool changed = planner::fold_into(view.memory.ledger, input, &notes);
  // Told first, kept afterwards: a controller that dies in between tells again, and the first step after its
  // return leaves out what was told already. The other order would lose an exit.
  // Where names and ordinals are the runtime's own, they don't tell one exit from another for ever.
  const bool numbered = !capabilities_.at(view.runtime).delegates_workload;
  if (!notes.empty() && view.memory.fresh && numbered) leave_out_told(view, notes);
  view.memory.fresh = false;
  tell_exits(view, notes);
  if (changed) parts_.store.save_ledger(view.service, view.memory.ledger);
}

planner::DependencyView Reconciler::dependencies(const Wanted& wanted, const std::string& service) const {
  planner::DependencyView view;
  if (wanted.spec && wanted.desired == Desired::kRunning) {
    for (const auto& [name, condition] : wanted.spec->depends_on) {
      const auto status = parts_.board.get(name);
      const bool met = status && [&] {
        switch (condition) {
          case DependencyCondition::kStarted:
            return std::any_of(status->instances.begin(), status->instances.end(),
                               [](const InstanceStatus& i) { return i.observed.phase == Phase::kRunning; });
          case DependencyCondition::kHealthy:
            return status->ready;
          case DependencyCondition::kCompleted:
            return status->phase == "Completed" && status->last_exit && status->last_exit->clean();
        }
        return false;
      }();
      if (!met) view.unmet.push_back(name + " (not " + std::string(to_string(condition)) + " yet)");
    }
    return view;
  }
  for (const auto& name : parts_.desired.dependents_of(service)) {
    if (parts_.desired.get(name).desired == Desired::kRunning) continue;
    const auto status = parts_.board.get(name);
    if (status && std::any_of(status->instances.begin(), status->instances.end(),
                              [](const InstanceStatus& i) { return is_alive(i.observed); })) {
      view.dependents_up.push_back(name);
    }
  }
  return view;
}

// Asks the runtime before anything is stopped for a new spec that could not start. Success also when the plan
// starts and replaces nothing.
Status Reconciler::may_start(View& view) {
  if (!view.input.spec || view.wanted.desired != Desired::kRunning) return {};
  const bool starts =
      std::any_of(view.plan.actions.begin(), view.plan.actions.end(), [](const Action& action) {
        return !std::holds_alternative<RemoveInstance>(action) &&
               !std::holds_alternative<KillInstance>(action);
      });
  if (!starts) return {};
  if (auto valid = view.runtime->validate(*view.wanted.spec); !valid) return valid;
  return prepare(view);
}

// What runs goes on running until all is there that its successor needs.
Status Reconciler::prepare(View& view) {
  auto prepared = view.runtime->prepare({view.input.spec, view.wanted.restart_nonce});
  if (!prepared) return fail(prepared.error());
  view.preparing = std::move(prepared->waiting_for);
  if (!view.preparing.empty()) drop_starts(view);
  return {};
}

void Reconciler::drop_starts(View& view) {
  std::erase_if(view.plan.actions, [&](const Action& action) {
    if (const auto* signal = std::get_if<SignalInstance>(&action))
      return signal->id.ordinal < view.wanted.spec->replicas;
    return std::holds_alternative<StartInstance>(action) || std::holds_alternative<ApplyWorkload>(action) ||
           std::holds_alternative<RevertWorkload>(action);
  });
}

std::optional<Error> Reconciler::act(View& view) {
  if (!may_act()) return std::nullopt;
  std::optional<Error> error;
  if (const auto valid = may_start(view); !valid) {
    error = valid.error();
    drop_starts(view);
  }
  const ActionContext context{view.input.spec, view.wanted.restart_nonce};
  for (const auto& action : view.plan.actions) {
    if (!may_act()) break;
    if (planner::note_action(view.memory.ledger, action, view.input.now)) {
      parts_.store.save_ledger(view.service, view.memory.ledger);
    }
    const auto done = view.runtime->execute(action, context);
    view.result.again = true;
    if (!done) return done.error();
    tell_action(view, action);
  }
  return error;
}

}  // namespace holdfast::reconciler
