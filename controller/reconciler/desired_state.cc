#include "controller/reconciler/desired_state.h"

#include <utility>

namespace holdfast::reconciler {

namespace {
Desired effective(const SpecPtr& spec, const Intent& intent) {
  if (!spec) return Desired::kStopped;
  return intent.desired.value_or(spec->desired);
}
}  // namespace

void DesiredState::restore_intents(std::map<std::string, Intent> intents) {
  const std::lock_guard lock(mutex_);
  restored_ = std::move(intents);
}

void DesiredState::set_edges(const std::string& service, Entry& entry) {
  for (const auto& dependency : entry.depends_on) {
    if (const auto it = entries_.find(dependency); it != entries_.end()) it->second.dependents.erase(service);
  }
  entry.depends_on.clear();
  for (const auto& [dependency, condition] : entry.spec->depends_on) {
    entry.depends_on.insert(dependency);
    entries_[dependency].dependents.insert(service);
  }
}

SpecChanges DesiredState::apply(const std::map<std::string, SpecPtr>& specs) {
  const std::lock_guard lock(mutex_);
  SpecChanges changes;
  for (const auto& [name, spec] : specs) {
    auto& entry = entries_[name];
    if (entry.spec == spec) continue;
    (entry.spec ? changes.changed : changes.added).push_back(name);
    if (!entry.spec) {
      if (auto node = restored_.extract(name)) entry.intent = std::move(node.mapped());
    }
    entry.spec = spec;
    ++entry.version;
    set_edges(name, entry);
    // The config's own word changed after the operator's: the newer one counts.
    if (entry.intent.desired && entry.intent.configured != spec->desired) {
      entry.intent.desired.reset();
      changes.intents.emplace_back(name, entry.intent);
    }
  }
  for (auto& [name, entry] : entries_) {
    if (!entry.spec || specs.contains(name)) continue;
    entry.spec = nullptr;
    entry.intent = {};
    ++entry.version;
    changes.removed.push_back(name);
  }
  return changes;
}

bool DesiredState::add_orphan(const std::string& service) {
  const std::lock_guard lock(mutex_);
  return entries_.try_emplace(service).second;
}

bool DesiredState::forget(const std::string& service) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(service);
  if (it == entries_.end() || it->second.spec) return false;
  for (const auto& dependency : it->second.depends_on) {
    if (const auto other = entries_.find(dependency); other != entries_.end())
      other->second.dependents.erase(service);
  }
  entries_.erase(it);
  return true;
}

Wanted DesiredState::get(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(service);
  if (it == entries_.end()) return {};
  const auto& entry = it->second;
  return {entry.spec, effective(entry.spec, entry.intent), entry.intent.restart_nonce, entry.version, true};
}

std::map<std::string, SpecPtr> DesiredState::specs() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, SpecPtr> specs;
  for (const auto& [name, entry] : entries_) {
    if (entry.spec) specs.emplace_hint(specs.end(), name, entry.spec);
  }
  return specs;
}

std::vector<std::string> DesiredState::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

Result<DesiredState::Decided> DesiredState::decide(const std::string& service, Verb verb, bool revive,
                                                   const Actor& actor, WallTime now) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(service);
  if (it == entries_.end() || !it->second.spec) {
    return fail(ErrorCode::kNotFound, "there is no service named '" + service + "'",
                "GET /api/v1/services lists the declared ones");
  }
  const auto& entry = it->second;
  const auto before = effective(entry.spec, entry.intent);
  const auto wanted = verb == Verb::kStop ? Desired::kStopped : Desired::kRunning;
  const bool bump =
      verb == Verb::kRestart || (verb == Verb::kStart && (before == Desired::kStopped || revive));
  Decided out{.result = {.changed = before != wanted || bump}, .intent = entry.intent};
  if (out.result.changed) {
    out.intent.desired = wanted;
    out.intent.configured = entry.spec->desired;
    if (bump) ++out.intent.restart_nonce;
    out.intent.actor = actor.name;
    out.intent.at = now;
  }
  out.result.restart_nonce = out.intent.restart_nonce;
  return out;
}

bool DesiredState::adopt(const std::string& service, const Intent& intent) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(service);
  if (it == entries_.end() || !it->second.spec) {
    restored_[service] = intent;
    return false;
  }
  auto newest = intent;
  if (newest.configured != it->second.spec->desired) newest.desired.reset();  // the config's word is newer
  if (it->second.intent == newest) return false;
  it->second.intent = std::move(newest);
  ++it->second.version;
  return true;
}

std::map<std::string, Intent> DesiredState::intents() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Intent> intents;
  for (const auto& [name, entry] : entries_) {
    if (entry.spec && entry.intent != Intent{}) intents.emplace_hint(intents.end(), name, entry.intent);
  }
  return intents;
}

std::vector<std::string> DesiredState::dependents_of(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(service);
  if (it == entries_.end()) return {};
  return {it->second.dependents.begin(), it->second.dependents.end()};
}

std::vector<std::string> DesiredState::neighbours_of(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(service);
  if (it == entries_.end()) return {};
  std::vector<std::string> names(it->second.dependents.begin(), it->second.dependents.end());
  names.insert(names.end(), it->second.depends_on.begin(), it->second.depends_on.end());
  return names;
}

}  // namespace holdfast::reconciler
