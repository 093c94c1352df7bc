// What a runtime does that keeps whole workloads by itself, if replacing took no time.
#include <algorithm>
#include <utility>

#include "runtimes/fake/fake_runtime.h"

namespace holdfast::fake {

void FakeRuntime::edit_workload(const std::string& service,
                                const std::function<void(ObservedWorkload&)>& edit) {
  {
    const std::lock_guard lock(mutex_);
    auto& workload = services_[service].workload;
    if (!workload) return;
    edit(*workload);
  }
  tell(service);
}

void FakeRuntime::roll_out(const std::string& name, const SpecPtr& spec, std::uint64_t restart_nonce) {
  Service& service = services_[name];
  auto& has = *service.workload;
  has.spec_hash = spec->spec_hash;
  has.restart_nonce = restart_nonce;
  has.replicas = spec->replicas;
  has.pending.clear();
  has.stalled.clear();
  service.applied = spec;
  std::erase_if(service.runs, [&](const Run& run) {
    return run.seen.id.ordinal >= spec->replicas || run.seen.phase == Phase::kExited ||
           run.seen.spec_hash != spec->spec_hash || run.seen.restart_nonce < restart_nonce;
  });
  for (int ordinal = 0; ordinal < spec->replicas; ++ordinal) {
    const InstanceId id{name, ordinal};
    if (live(id) == nullptr) launch(service, id, service.shown[ordinal] + 1, {spec, restart_nonce});
  }
}

Status FakeRuntime::act(const ApplyWorkload& action, const ActionContext& context) {
  if (!context.spec) return fail_terminal(ErrorCode::kInvalid, "cannot apply without a spec");
  ++counters_.workload_actions;
  Service& service = services_[action.service];
  if (!service.workload) service.workload.emplace();
  auto& has = *service.workload;
  // What came up is what can be gone back to.
  if (service.applied && has.stalled.empty() && has.spec_hash != context.spec->spec_hash) {
    service.stable = service.applied;
    has.stable_hash = has.spec_hash;
  }
  has.rejected_hash.clear();
  roll_out(action.service, context.spec, context.restart_nonce);
  return {};
}

Status FakeRuntime::act(const ScaleWorkload& action, const ActionContext& /*context*/) {
  ++counters_.workload_actions;
  Service& service = services_[action.service];
  if (service.workload) service.workload->replicas = action.replicas;
  std::erase_if(service.runs, [&](const Run& run) { return run.seen.id.ordinal >= action.replicas; });
  return {};
}

Status FakeRuntime::act(const RevertWorkload& action, const ActionContext& context) {
  ++counters_.workload_actions;
  Service& service = services_[action.service];
  if (!service.workload || !service.stable)
    return fail_terminal(ErrorCode::kConflict, "there is nothing to go back to");
  auto& has = *service.workload;
  if (has.rejected_hash.empty()) {
    has.rejected_hash = has.spec_hash;
    has.rejected_because = has.stalled;
    has.rejected_nonce = context.restart_nonce;
  }
  roll_out(action.service, service.stable, context.restart_nonce);
  return {};
}

Status FakeRuntime::act(const DeleteWorkload& action, const ActionContext& /*context*/) {
  ++counters_.workload_actions;
  services_.erase(action.service);
  return {};
}

}  // namespace holdfast::fake
