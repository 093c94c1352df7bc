#include "api/streaming/verdict.h"

#include "api/streaming/view.h"

namespace holdfast::streaming {
namespace {

using Outcome = Verdict::Outcome;

Run run_of(const InstanceStatus& instance) {
  const auto& seen = instance.observed;
  return {seen.name, seen.name.empty() ? seen.id.ordinal : 0, seen.incarnation};
}

std::string exit_text(const ExitRecord& exit) {
  return exit.reason.empty() ? "it exited" : exit.reason;
}

// An error that the controller's next try may well not meet again is no verdict.
bool passes_by_itself(const Error& error) {
  return !error.terminal && (error.code == ErrorCode::kConflict || error.code == ErrorCode::kTimeout);
}

std::optional<Verdict> failure(const ServiceStatus& status, const Before& before) {
  for (const auto& instance : status.instances) {
    if (instance.observed.phase != Phase::kExited || before.runs.contains(run_of(instance))) continue;
    if (instance.observed.exit && instance.observed.exit->clean() && status.phase == "Completed") continue;
    return Verdict{Outcome::kFailed,
                   instance.observed.exit ? exit_text(*instance.observed.exit) : "it exited",
                   true,
                   {},
                   {}};
  }
  const bool exited_since = status.last_exit && status.last_exit != before.last_exit;
  if ((status.phase == "Backoff" || status.phase == "Failed") && exited_since) {
    return Verdict{Outcome::kFailed, exit_text(*status.last_exit), true, {}, {}};
  }
  const bool new_error = before.nonce_is_new || status.last_error != before.last_error;
  if (status.last_error && new_error && !passes_by_itself(*status.last_error)) {
    const auto& error = *status.last_error;
    return Verdict{
        Outcome::kFailed, error.message + (error.hint.empty() ? "" : " (" + error.hint + ")"), false, {}, {}};
  }
  if (status.phase == "Failed" && (before.nonce_is_new || !before.failed)) {
    return Verdict{Outcome::kFailed, view_of(status).error.value_or("it failed"), false, {}, {}};
  }
  return std::nullopt;
}

std::string waiting_text(const ServiceStatus& status) {
  if (const auto error = view_of(status).error) return *error;
  for (const auto& instance : status.instances) {
    if (!instance.health_message.empty()) return instance.health_message;
  }
  return "it is " + (status.phase.empty() ? "not observed yet" : status.phase);
}

bool has_gate(const ServiceStatus& status) {
  return status.spec && (status.spec->health.startup || status.spec->health.readiness);
}

}  // namespace

Before before(const ServiceStatus& status) {
  Before result;
  for (const auto& instance : status.instances) result.runs.insert(run_of(instance));
  result.restart_nonce = status.restart_nonce;
  result.last_exit = status.last_exit;
  result.last_error = status.last_error;
  result.failed = status.phase == "Failed";
  return result;
}

Verdict judge_start(const ServiceStatus& status, const Before& before) {
  if (status.restart_nonce < before.restart_nonce) return {};
  if (auto failed = failure(status, before)) return *failed;
  if (status.phase == "Completed" && status.settled)
    return {Outcome::kDone, "ran to completion", false, {}, {}};

  Verdict verdict;
  verdict.message = waiting_text(status);
  for (const auto& instance : status.instances) {
    if (instance.observed.phase != Phase::kRunning || before.runs.contains(run_of(instance))) continue;
    verdict.runs.insert(run_of(instance));
    if (!verdict.pid) verdict.pid = instance.observed.pid;
  }
  const auto wanted = static_cast<size_t>(status.spec ? std::max(1, status.spec->replicas) : 1);
  if (verdict.runs.size() < wanted) return verdict;
  if (!has_gate(status)) verdict.outcome = Outcome::kRuns;
  if (has_gate(status) && status.ready) verdict.outcome = Outcome::kUp;
  return verdict;
}

Verdict judge_stop(const ServiceStatus& status, const Before& before) {
  if (status.restart_nonce < before.restart_nonce || status.desired != Desired::kStopped) return {};
  for (const auto& instance : status.instances) {
    if (instance.observed.phase == Phase::kExited) continue;
    return {Outcome::kWait, view_of(status).error.value_or("it is still stopping"), false, {}, {}};
  }
  return {Outcome::kDone, "", false, {}, {}};
}

}  // namespace holdfast::streaming
