// The telling half of a step: the status for readers, and the events that say what happened and why.
#include <string_view>
#include <utility>

#include "controller/base/text.h"
#include "controller/reconciler/reconciler.h"
#include "controller/reconciler/step_view.h"

namespace holdfast::reconciler {

namespace {

const Condition* find_condition(const ServiceStatus* status, const std::string& type) {
  if (!status) return nullptr;
  for (const auto& condition : status->conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

// A condition keeps its time while its status stays the same.
void stamp(ServiceStatus& status, const ServiceStatus* before, WallTime now) {
  for (auto& condition : status.conditions) {
    const auto* old = find_condition(before, condition.type);
    condition.last_transition = old && old->status == condition.status ? old->last_transition : now;
    condition.observed_generation = status.observed_generation;
  }
}

std::string cause_text(const std::string& cause) {
  if (cause == "oom") return "out of memory";
  if (cause == "liveness") return "its liveness probe failed";
  if (cause == "startup") return "its startup probe failed";
  if (cause == "config") return "its configuration changed";
  if (cause == "operator") return "an operator asked for it";
  return cause;
}

std::string instance_name(const InstanceId& id) {
  return id.service + "/" + std::to_string(id.ordinal);
}

// Of the event that tells a note; empty: none does.
std::string_view event_type(planner::FoldNote::Kind kind) {
  using Kind = planner::FoldNote::Kind;
  switch (kind) {
    case Kind::kExited:
      return "Exited";
    case Kind::kFailed:
      return "Failed";
    case Kind::kCompleted:
      return "Completed";
    case Kind::kBackoff:
      return "Backoff";
    case Kind::kStarted:  // told by the action
    case Kind::kStable:   // no news
      return {};
  }
  return {};
}

// What can't be started waits for what it lacks; "is starting" would be a promise.
void tell_error(ServiceStatus& status, const Error& error) {
  const bool alive = std::any_of(status.instances.begin(), status.instances.end(),
                                 [](const InstanceStatus& instance) { return is_alive(instance.observed); });
  if (status.phase == "Starting" && !alive) {
    status.phase = "Waiting";
    for (auto& condition : status.conditions) {
      if (condition.reason != "Starting") continue;
      condition.reason = "CannotStart";
      condition.message = error.message;
    }
  }
  status.conditions.push_back({.type = "Accepted",
                               .status = Condition::Status::kFalse,
                               .reason = error.code == ErrorCode::kInvalid ? "InvalidSpec" : "ActionFailed",
                               .message = error.message});
}

// What isn't there yet is no fault; it is told as what the start waits for.
void tell_preparing(ServiceStatus& status, const std::string& what) {
  if (status.phase == "Starting") status.phase = "Waiting";
  for (auto& condition : status.conditions) {
    if (condition.reason != "Starting") continue;
    condition.reason = "Preparing";
    condition.message = "waiting for " + what;
  }
}

std::string seconds_text(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms < 1000 ? std::to_string(ms) + " ms" : std::to_string((ms + 500) / 1000) + " s";
}

}  // namespace

void Reconciler::record(const View& view, Event event) {
  event.service = view.service;
  event.at = parts_.clock.wall();
  if (parts_.config_revision) event.revision = parts_.config_revision();
  parts_.board.publish_event(parts_.store.append_event(std::move(event)));
}

void Reconciler::leave_out_told(const View& view, std::vector<planner::FoldNote>& notes) const {
  const auto told = parts_.store.events({.service = view.service, .after = 0, .limit = 64});
  if (!told) return;
  std::erase_if(notes, [&](const planner::FoldNote& note) {
    const auto type = event_type(note.kind);
    return !type.empty() && std::any_of(told->begin(), told->end(), [&](const Event& event) {
      return event.type == type && event.ordinal == note.id.ordinal && event.incarnation == note.incarnation;
    });
  });
}

void Reconciler::tell_exits(const View& view, const std::vector<planner::FoldNote>& notes) {
  using Kind = planner::FoldNote::Kind;
  for (const auto& n : notes) {
    Event event{.ordinal = n.id.ordinal,
                .incarnation = n.incarnation,
                .type = std::string(event_type(n.kind)),
                .cause = n.cause,
                .exit = n.exit};
    const auto name = instance_name(n.id);
    switch (n.kind) {
      case Kind::kExited: {
        const bool clean = n.exit && n.exit->clean();
        event.severity = clean || n.cause == "operator" || n.cause == "config" || n.cause == "removed"
                             ? "info"
                             : "warning";
        event.message = name + " ended: " + (n.exit ? n.exit->reason : std::string("unknown exit"));
        if (!n.cause.empty() && n.cause != "crash") event.message += "; " + cause_text(n.cause);
        break;
      }
      case Kind::kFailed:
        event.severity = "error";
        event.message = name + " is not started again until an operator or a config change asks for it" +
                        (n.exit ? ": " + n.exit->reason : std::string());
        break;
      case Kind::kCompleted:
        event.message = name + " has completed" + (n.exit ? ": " + n.exit->reason : std::string());
        break;
      case Kind::kBackoff:
        event.severity = "warning";
        event.message = name + " starts again in " + seconds_text(n.delay.value_or(Duration{0}));
        break;
      case Kind::kStarted:
      case Kind::kStable:
        continue;  // told by the action, and no news
    }
    record(view, std::move(event));
  }
}

void Reconciler::tell_action(const View& view, const Action& action) {
  Event event{.message = holdfast::describe(action)};
  std::visit(
      [&](const auto& a) {
        if constexpr (requires { a.id; }) {
          event.ordinal = a.id.ordinal;
          event.incarnation = a.incarnation;
        }
        if constexpr (requires { a.cause; }) {
          event.cause = a.cause;
        }
      },
      action);
  if (std::holds_alternative<StartInstance>(action))
    event.type = "Started";
  else if (std::holds_alternative<SignalInstance>(action))
    event.type = "Stopping";
  else if (std::holds_alternative<KillInstance>(action))
    event.type = "Killed", event.severity = "warning";
  else if (std::holds_alternative<ApplyWorkload>(action))
    event.type = "Applied";
  else if (std::holds_alternative<ScaleWorkload>(action))
    event.type = "Scaled";
  else if (std::holds_alternative<RevertWorkload>(action))
    event.type = "RolledBack", event.severity = "error";
  else if (std::holds_alternative<DeleteWorkload>(action))
    event.type = "Deleted";
  else
    return;  // forgetting an exited run is no news
  record(view, std::move(event));
}

// Runs, but not as declared.
void Reconciler::add_degraded(ServiceStatus& status, const View& view) {
  std::vector<std::string> drift;
  if (view.observation.workload) drift = view.observation.workload->pending;
  for (const auto& instance : view.observation.instances) {
    for (const auto& field : instance.drift) drift.push_back(instance_name(instance.id) + " " + field);
  }
  const auto& left_out = view.memory.left_out;
  const bool fell_back = !view.fallback.empty(), as_declared = drift.empty();
  if (!left_out.empty())
    drift.push_back(join(left_out, ", ") + ": not to be had on this runtime, and left out");
  if (fell_back) drift.insert(drift.begin(), view.fallback);
  if (drift.empty()) return;
  status.conditions.push_back({.type = "Degraded",
                               .status = Condition::Status::kTrue,
                               .reason = fell_back     ? "FallbackRuntime"
                                         : as_declared ? "Unsupported"
                                                       : "Drift",
                               .message = join(drift, "; ")});
}

std::shared_ptr<ServiceStatus> Reconciler::describe(const View& view) const {
  auto status = std::make_shared<ServiceStatus>();
  status->spec = view.wanted.spec;
  status->runtime = view.runtime->kind();
  status->runtime_mode = view.runtime->availability().mode;
  status->desired = view.wanted.desired;
  status->phase = planner::phase_of(view.input, view.plan);
  status->observed_generation = view.wanted.spec ? view.wanted.spec->generation : 0;
  status->restart_nonce = view.wanted.restart_nonce;
  status->instances.reserve(view.observation.instances.size());
  for (const auto& observed : view.observation.instances) {
    InstanceStatus instance{.observed = observed};
    const auto health = view.health.find({observed.id.ordinal, observed.incarnation});
    if (health != view.health.end()) {
      instance.health = health->second.state;
      instance.ready = health->second.ready && observed.phase == Phase::kRunning;
      instance.health_message = health->second.message;
    } else if (view.input.capabilities->delegates_workload) {
      instance.ready = planner::is_ready(view.input, observed);
      if (instance.ready) instance.health = HealthState::kHealthy;
    } else {
      instance.ready = !parts_.prober && observed.phase == Phase::kRunning;
    }
    if (!observed.runtime_ready.value_or(true)) {
      instance.ready = false;
      if (instance.health_message.empty()) instance.health_message = observed.message;
    }
    if (parts_.usage && is_alive(observed)) instance.usage = parts_.usage(observed);
    status->instances.push_back(std::move(instance));
  }
  status->workload = view.observation.workload;
  status->conditions = view.plan.conditions;
  for (const auto& condition : status->conditions) {
    if (condition.type == "Ready") status->ready = condition.status == Condition::Status::kTrue;
  }
  add_degraded(*status, view);
  status->restarts_by_cause = view.memory.ledger.restarts_by_cause;
  for (const auto& [cause, count] : status->restarts_by_cause) status->restarts += count;
  for (const auto& [ordinal, ledger] : view.memory.ledger.ordinals) {
    if (ledger.last_exit && (!status->last_exit || ledger.last_exit->at > status->last_exit->at))
      status->last_exit = ledger.last_exit;
  }
  if (view.memory.ledger.delegated_exit) status->last_exit = view.memory.ledger.delegated_exit;
  status->last_error = view.error;
  if (parts_.prober) status->last_heartbeat = parts_.prober->last_heartbeat(view.service);
  if (parts_.collected && view.wanted.spec && !view.wanted.spec->collectors.empty())
    status->collected = parts_.collected(view.service);
  status->waiting_for = view.input.dependencies.unmet.empty() ? view.input.dependencies.dependents_up
                                                              : view.input.dependencies.unmet;
  if (!view.preparing.empty()) status->waiting_for.push_back(view.preparing);
  status->settled =
      !view.error && !view.moving && view.preparing.empty() && planner::settled(view.input, view.plan);
  return status;
}

void Reconciler::publish(View& view) {
  const auto before = parts_.board.get(view.service);
  auto status = describe(view);
  if (!view.preparing.empty()) tell_preparing(*status, view.preparing);
  if (view.error) tell_error(*status, *view.error);
  status->updated = parts_.clock.wall();
  stamp(*status, before.get(), status->updated);
  const bool news = !before || !same_news(*before, *status);
  if (news) tell_changes(view, before.get(), *status);
  const bool neighbours_care = !before || before->phase != status->phase || before->ready != status->ready ||
                               before->instances.size() != status->instances.size();
  parts_.board.publish(view.service, std::move(status), view.wanted.version, news);
  if (neighbours_care) view.result.also = parts_.desired.neighbours_of(view.service);
}

void Reconciler::tell_changes(const View& view, const ServiceStatus* before, const ServiceStatus& after) {
  if (before && before->phase != kAnnounced && before->ready != after.ready &&
      after.desired == Desired::kRunning) {
    std::string why;
    for (const auto& instance : after.instances) {
      if (!instance.health_message.empty()) why = ": " + instance.health_message;
    }
    record(view, {.type = after.ready ? "Ready" : "Unready",
                  .severity = after.ready ? "info" : "warning",
                  .message = view.service + (after.ready ? " is ready" : " is not ready" + why)});
  }
  if (after.last_error && (!before || before->last_error != after.last_error)) {
    record(view, {.type = "Error",
                  .severity = "error",
                  .message = after.last_error->message +
                             (after.last_error->hint.empty() ? "" : "; " + after.last_error->hint)});
  }
}

// The world can't be seen: nothing is known to have ended, so nothing is replaced.
void Reconciler::publish_unseen(View& view, const Error& error) {
  const auto before = parts_.board.get(view.service);
  auto status = before ? std::make_shared<ServiceStatus>(*before) : std::make_shared<ServiceStatus>();
  status->spec = view.wanted.spec;
  status->desired = view.wanted.desired;
  status->restart_nonce = view.wanted.restart_nonce;
  status->phase = "Unknown";
  status->ready = false;
  status->settled = false;
  status->last_error = error;
  for (auto& instance : status->instances) {
    if (is_alive(instance.observed)) instance.observed.phase = Phase::kUnknown, instance.ready = false;
  }
  status->conditions = {{.type = "Observed",
                         .status = Condition::Status::kFalse,
                         .reason = "RuntimeUnavailable",
                         .message = error.message},
                        {.type = "Ready",
                         .status = Condition::Status::kUnknown,
                         .reason = "RuntimeUnavailable",
                         .message = error.message}};
  status->updated = parts_.clock.wall();
  stamp(*status, before.get(), status->updated);
  const bool news = !before || !same_news(*before, *status);
  if (news) tell_changes(view, nullptr, *status);
  parts_.board.publish(view.service, std::move(status), view.wanted.version, news);
}

void Reconciler::finish_removal(View& view) {
  if (view.wanted.spec || is_there(view.observation) || view.error || view.leftovers) return;
  if (!parts_.desired.forget(view.service)) return;
  record(view, {.type = "Removed",
                .message = view.service + " is not declared any more and nothing of it is left"});
  const auto neighbours = parts_.desired.neighbours_of(view.service);
  parts_.store.forget_service(view.service);
  if (parts_.prober) parts_.prober->forget(view.service);
  parts_.board.remove(view.service);
  const std::lock_guard lock(mutex_);
  memories_.erase(view.service);
}

}  // namespace holdfast::reconciler
