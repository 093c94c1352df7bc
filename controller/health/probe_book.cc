#include "controller/health/probe_book.h"

#include <algorithm>

namespace holdfast::health {

namespace {

bool is_passive(const Probe& probe) {
  return std::holds_alternative<HeartbeatProbe>(probe.check) ||
         std::holds_alternative<NotifyProbe>(probe.check);
}

// Cheap enough to be made in quick succession, and one pass is enough.
bool is_eager(const Probe& probe, ProbeKind kind) {
  return kind != ProbeKind::kLiveness && probe.success_threshold <= 1 &&
         !std::holds_alternative<ExecProbe>(probe.check);
}

bool can_be_probed(Phase phase) {
  return phase == Phase::kRunning || phase == Phase::kStarting;
}

}  // namespace

bool ProbeBook::track(const SpecPtr& spec, const std::vector<ObservedInstance>& instances, MonoTime now) {
  auto& service = services_[spec->name];
  const bool spec_changed = service.spec != spec;
  service.spec = spec;
  bool changed = false;
  std::set<Key> present;
  for (const auto& observed : instances) {
    const Key key{observed.id.ordinal, observed.incarnation};
    // One that can't be seen for a moment is not a new one afterwards.
    const bool unseen = observed.phase == Phase::kUnknown && service.instances.contains(key);
    if (!unseen && !can_be_probed(observed.phase)) continue;
    present.insert(key);
    changed |= update(service, observed, spec_changed, now);
  }
  for (auto it = service.instances.begin(); it != service.instances.end();) {
    if (present.contains(it->first)) {
      ++it;
      continue;
    }
    end_runs(it->second);
    it = service.instances.erase(it);
    changed = true;
  }
  return changed;
}

bool ProbeBook::update(Service& service, const ObservedInstance& observed, bool spec_changed, MonoTime now) {
  const Key key{observed.id.ordinal, observed.incarnation};
  const auto [it, added] = service.instances.try_emplace(key);
  auto& instance = it->second;
  if (added) {
    instance.started_at = observed.started_at;
    instance.heard.since = now;
  }
  auto heard = instance.heard;
  heard.ready |= observed.notify_ready;
  heard.watchdog = std::max(heard.watchdog, observed.notify_watchdog);
  const bool news = heard.ready != instance.heard.ready || heard.watchdog != instance.heard.watchdog;
  if (!added && !news && !spec_changed) return false;
  instance.heard = heard;
  return refresh(service.spec, key, instance, now) || added;
}

// Brings the runs in line with what is wanted, folds what was heard, and tells whether the health changed.
bool ProbeBook::refresh(const SpecPtr& spec, const Key& key, Instance& instance, MonoTime now) {
  for (const auto kind : kKinds) match_run(spec, key, instance, kind, now);
  auto health = summarize(spec->health, instance.state);
  if (health == instance.health) return false;
  instance.health = std::move(health);
  return true;
}

// In the order of kKinds: a startup probe that passes here lets the others begin in the same round.
void ProbeBook::match_run(const SpecPtr& spec, const Key& key, Instance& instance, ProbeKind kind,
                          MonoTime now) {
  auto& run = instance.runs[static_cast<size_t>(kind)];
  const auto& probe = probe_of(spec->health, kind);
  if (!probe) instance.state.of(kind) = {};
  const bool wanted_now = wanted(spec->health, instance.state, kind);
  if (run && (!wanted_now || run->probe != *probe)) end_run(run);  // a changed probe keeps its verdict
  if (!wanted_now) return;
  if (!run) begin_run(spec, key, instance, kind, now);
  run->spec = spec;
  if (!is_passive(*probe)) return;
  judge_run(run, instance, now);
  if (!wanted(spec->health, instance.state, kind)) end_run(run);
}

void ProbeBook::begin_run(const SpecPtr& spec, const Key& key, Instance& instance, ProbeKind kind,
                          MonoTime now) {
  auto run = std::make_shared<ProbeRun>();
  run->spec = spec;
  run->id = {spec->name, key.first};
  run->incarnation = key.second;
  run->kind = kind;
  run->probe = *probe_of(spec->health, kind);
  const auto first = std::max(instance.started_at.value_or(now) + run->probe.initial_delay, now);
  run->cadence =
      Cadence(run->probe, first, phase_of(spec->name, key.first, kind), is_eager(run->probe, kind));
  instance.runs[static_cast<size_t>(kind)] = run;
  if (!is_passive(run->probe)) schedule(run, run->cadence.due());
}

void ProbeBook::judge_run(const ProbeRunPtr& run, Instance& instance, MonoTime now) {
  const auto judgement = judge(run->probe, run->kind, instance.heard, now);
  auto& state = instance.state.of(run->kind);
  state = settle(std::move(state), judgement.result);
  schedule_.erase({run->due, run});
  if (judgement.next) schedule(run, *judgement.next + std::chrono::milliseconds(1));
}

void ProbeBook::schedule(const ProbeRunPtr& run, MonoTime due) {
  run->due = due;
  schedule_.emplace(due, run);
}

void ProbeBook::end_run(ProbeRunPtr& run) {
  if (!run) return;
  schedule_.erase({run->due, run});
  run->ended = true;
  run.reset();
}

void ProbeBook::end_runs(Instance& instance) {
  for (auto& run : instance.runs) end_run(run);
}

void ProbeBook::forget(const std::string& service) {
  const auto it = services_.find(service);
  if (it == services_.end()) return;
  for (auto& [key, instance] : it->second.instances) end_runs(instance);
  services_.erase(it);
}

bool ProbeBook::heartbeat(const std::string& name, MonoTime now, WallTime wall) {
  auto& service = services_[name];
  service.last_heartbeat = wall;
  bool changed = false;
  for (auto& [key, instance] : service.instances) {
    instance.heard.beat = now;
    changed |= refresh(service.spec, key, instance, now);
  }
  return changed;
}

ProbeBook::Instance* ProbeBook::find(const ProbeRun& run) {
  const auto service = services_.find(run.id.service);
  if (service == services_.end()) return nullptr;
  const auto instance = service->second.instances.find({run.id.ordinal, run.incarnation});
  return instance == service->second.instances.end() ? nullptr : &instance->second;
}

ProbeBook::Due ProbeBook::due(MonoTime now, size_t max_checks) {
  Due found;
  while (found.checks.size() < max_checks && !schedule_.empty() && schedule_.begin()->first <= now) {
    const auto run = schedule_.begin()->second;
    schedule_.erase(schedule_.begin());
    if (!is_passive(run->probe)) {
      run->in_flight = true;
      found.checks.push_back(run);
      continue;
    }
    auto* instance = find(*run);
    if (instance && refresh(run->spec, {run->id.ordinal, run->incarnation}, *instance, now))
      found.changed.insert(run->id.service);
  }
  return found;
}

bool ProbeBook::finish(const ProbeRunPtr& run, const CheckResult& result, MonoTime now) {
  run->in_flight = false;
  auto* instance = run->ended ? nullptr : find(*run);
  if (!instance) return false;  // the answer is about a run that is gone
  auto counted = result;
  if (!run->cadence.counted() && result.verdict == Verdict::kFail) counted.verdict = Verdict::kUnknown;
  auto& state = instance->state.of(run->kind);
  state = fold(std::move(state), run->probe, counted);
  run->cadence.advance(now, state.verdict == Verdict::kPass);
  schedule(run, run->cadence.due());
  return refresh(run->spec, {run->id.ordinal, run->incarnation}, *instance, now);
}

std::optional<MonoTime> ProbeBook::next_due() const {
  if (schedule_.empty()) return std::nullopt;
  return schedule_.begin()->first;
}

HealthView ProbeBook::view(const std::string& service) const {
  HealthView view;
  const auto it = services_.find(service);
  if (it == services_.end()) return view;
  for (const auto& [key, instance] : it->second.instances) view.emplace(key, instance.health);
  return view;
}

std::optional<WallTime> ProbeBook::last_heartbeat(const std::string& service) const {
  const auto it = services_.find(service);
  return it == services_.end() ? std::nullopt : it->second.last_heartbeat;
}

}  // namespace holdfast::health
