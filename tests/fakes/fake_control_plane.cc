#include "tests/fakes/fake_control_plane.h"

#include <algorithm>
#include <utility>

namespace holdfast::test {
namespace {

constexpr std::int64_t kFirstPid = 4000;

// Every leaf of `layer`, as origins of that layer: enough for explain, without lines of a real file.
void collect_origins(const Json& value, const std::string& pointer, const Origin& origin,
                     std::map<std::string, Origin>& origins) {
  if (!value.is_object() || value.members().empty()) {
    if (!pointer.empty()) origins[pointer] = origin;
    return;
  }
  for (const auto& [key, member] : value.members()) {
    std::string escaped;
    for (const char c : key) escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    collect_origins(member, pointer + "/" + escaped, origin, origins);
  }
}

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> result;
  for (const Json& item : list.items())
    if (item.is_string()) result.push_back(item.as_string());
  return result;
}

SpecPtr make_spec(const std::string& name, const Json& declared, const SpecPtr& previous) {
  auto spec = std::make_shared<ServiceSpec>();
  spec->name = name;
  spec->generation = previous ? previous->generation + 1 : 1;
  spec->argv = strings(declared.at("command"));
  for (auto& arg : strings(declared.at("args"))) spec->argv.push_back(arg);
  if (declared.at("replicas").is_int()) spec->replicas = static_cast<int>(declared.at("replicas").as_int());
  if (declared.at("desired").as_string() == "stopped") spec->desired = Desired::kStopped;
  for (const auto& [key, value] : declared.at("env").members())
    spec->env[key] = value.is_string() ? EnvValue(value.as_string()) : EnvValue(SecretRef{});
  for (const auto& [key, value] : declared.at("labels").members()) spec->labels[key] = value.as_string();
  spec->parameters = declared.at("parameters");
  spec->parameter_schema = declared.at("parameterSchema");
  spec->spec_hash = std::to_string(std::hash<std::string>{}(dump_json_canonical(declared)));
  return spec;
}

Condition condition(const std::string& type, bool value, const std::string& reason,
                    const std::string& message, const Clock& clock, std::int64_t generation) {
  return {type,         value ? Condition::Status::kTrue : Condition::Status::kFalse,
          reason,       message,
          clock.wall(), generation};
}

void make_running(ServiceStatus& status, const Clock& clock) {
  const std::uint64_t last = status.instances.empty() ? 0 : status.instances.front().observed.incarnation;
  InstanceStatus instance;
  auto& observed = instance.observed;
  observed.id = {status.spec->name, 0};
  observed.incarnation = last + 1;
  observed.phase = Phase::kRunning;
  observed.pid = kFirstPid + static_cast<std::int64_t>(last);
  observed.started_at = clock.now();
  observed.started_wall = clock.wall();
  observed.spec_hash = status.spec->spec_hash;
  observed.restart_nonce = status.restart_nonce;
  instance.health = HealthState::kHealthy;
  instance.ready = true;
  instance.usage = {12.5, 3.25, 64 << 20, 9, 1};
  status.instances = {instance};
  status.phase = "Running";
  status.ready = true;
  status.conditions = {condition("Ready", true, "AllReady", "1 of 1 ready", clock, status.spec->generation)};
}

void make_stopped(ServiceStatus& status, const Clock& clock) {
  status.instances.clear();
  status.phase = "Stopped";
  status.ready = false;
  status.conditions = {
      condition("Ready", false, "Stopped", "stopped as asked", clock, status.spec->generation)};
}

void make_settled(ServiceStatus& status, const Clock& clock) {
  if (status.desired == Desired::kRunning)
    make_running(status, clock);
  else
    make_stopped(status, clock);
  status.settled = true;
  status.observed_generation = status.spec->generation;
}

}  // namespace

ServiceStatus running_service(const std::string& name, const Clock& clock) {
  auto spec = std::make_shared<ServiceSpec>();
  spec->name = name;
  spec->generation = 1;
  spec->spec_hash = "hash-of-" + name;
  spec->argv = {"/usr/bin/" + name};
  ServiceStatus status;
  status.spec = std::move(spec);
  status.updated = clock.wall();
  make_settled(status, clock);
  return status;
}

FakeControlPlane::FakeControlPlane(const Clock& clock) : clock_(clock) {
  RuntimeInfo process;
  process.available = true;
  process.message = "pidfd, cgroup v2";
  process.capabilities.features = {{"logs", Support::kNative}, {"limits.memory", Support::kEmulated}};
  process.capabilities.notes = {{"limits.memory", "setrlimit, per process"}};
  runtimes_ = {process};
  rebuild_view();
}

// ---- scripting

void FakeControlPlane::set_service(ServiceStatus status) {
  const std::scoped_lock lock(mutex_);
  const std::string name = status.spec->name;
  publish_service(name, std::move(status));
}

void FakeControlPlane::change_service(const std::string& name,
                                      const std::function<void(ServiceStatus&)>& change) {
  const std::scoped_lock lock(mutex_);
  ServiceStatus status = *services_.at(name);
  change(status);
  publish_service(name, std::move(status));
}

void FakeControlPlane::remove_service(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  drop_service(name);
}

void FakeControlPlane::settle(const std::string& name) {
  change_service(name, [this](ServiceStatus& status) { make_settled(status, clock_); });
}

void FakeControlPlane::expire_waiting(const std::string& name) {
  std::vector<std::function<void(StatusPtr)>> callbacks;
  StatusPtr status;
  {
    const std::scoped_lock lock(mutex_);
    callbacks = std::move(waiting_[name]);
    waiting_.erase(name);
    status = service(name);
  }
  for (const auto& done : callbacks) done(status);
}

size_t FakeControlPlane::waiting(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = waiting_.find(name);
  return found == waiting_.end() ? 0 : found->second.size();
}

Event FakeControlPlane::add_event(Event event) {
  const std::scoped_lock lock(mutex_);
  event.id = events_.size() + 1;
  if (event.at == WallTime{}) event.at = clock_.wall();
  events_.push_back(event);
  Update update;
  update.kind = "event";
  update.service = event.service;
  update.event = std::make_shared<const Event>(event);
  publish(std::move(update));
  return event;
}

void FakeControlPlane::set_logs(const std::string& name, std::string text) {
  const std::scoped_lock lock(mutex_);
  logs_[name] = std::move(text);
}

void FakeControlPlane::set_base(const Json& document) {
  const std::scoped_lock lock(mutex_);
  const Json before = view_->merged;
  base_ = document;
  rebuild_view();
  apply_services(before);
}

void FakeControlPlane::set_ready(ReadyReport report) {
  const std::scoped_lock lock(mutex_);
  ready_ = std::move(report);
}

void FakeControlPlane::set_runtimes(std::vector<RuntimeInfo> runtimes) {
  const std::scoped_lock lock(mutex_);
  runtimes_ = std::move(runtimes);
}

void FakeControlPlane::set_stats(ReconcilerStats stats) {
  const std::scoped_lock lock(mutex_);
  stats_ = std::move(stats);
}

std::vector<FakeControlPlane::Command> FakeControlPlane::commands() const {
  const std::scoped_lock lock(mutex_);
  return commands_;
}

std::vector<AuditRecord> FakeControlPlane::audited() const {
  const std::scoped_lock lock(mutex_);
  return audited_;
}

size_t FakeControlPlane::subscriptions() const {
  const std::scoped_lock lock(mutex_);
  return sinks_.size();
}

std::uint64_t FakeControlPlane::sequence() const {
  const std::scoped_lock lock(mutex_);
  return sequence_;
}

FakeControlPlane::LogsQuery FakeControlPlane::last_logs_query() const {
  const std::scoped_lock lock(mutex_);
  return last_logs_;
}

// ---- what is

std::vector<StatusPtr> FakeControlPlane::services() const {
  const std::scoped_lock lock(mutex_);
  std::vector<StatusPtr> result;
  for (const auto& [name, status] : services_) result.push_back(status);
  return result;
}

StatusPtr FakeControlPlane::service(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = services_.find(name);
  return found == services_.end() ? nullptr : found->second;
}

std::vector<RuntimeInfo> FakeControlPlane::runtimes() const {
  const std::scoped_lock lock(mutex_);
  return runtimes_;
}

ReadyReport FakeControlPlane::ready() const {
  const std::scoped_lock lock(mutex_);
  return ready_;
}

ReconcilerStats FakeControlPlane::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

Result<std::vector<Event>> FakeControlPlane::events(const EventQuery& query) {
  const std::scoped_lock lock(mutex_);
  std::vector<Event> result;
  for (const Event& event : events_)
    if (event.id > query.after && (!query.service || event.service == *query.service))
      result.push_back(event);
  if (result.size() > query.limit)
    result.erase(result.begin(), result.end() - static_cast<std::ptrdiff_t>(query.limit));
  return result;
}

Result<std::string> FakeControlPlane::logs_text(const std::string& name, size_t tail,
                                                const std::optional<std::string>& stream,
                                                std::optional<int> ordinal, std::optional<WallTime> since) {
  const std::scoped_lock lock(mutex_);
  last_logs_ = {name, tail, stream, ordinal, since};
  if (!services_.contains(name)) return fail(ErrorCode::kNotFound, "no service named " + name);
  const auto found = logs_.find(name);
  if (found == logs_.end()) return fail(ErrorCode::kUnavailable, "the fake runtime has no logs of " + name);
  const std::string& text = found->second;
  size_t begin = text.size();
  for (size_t lines = 0; begin > 0; --begin)
    if (text[begin - 1] == '\n' && ++lines > tail) break;
  return text.substr(begin);
}

std::optional<std::uint64_t> FakeControlPlane::subscribe(std::uint64_t after, UpdateSink sink) {
  const std::scoped_lock lock(mutex_);
  if (after > 0) {
    const std::uint64_t oldest = held_.empty() ? sequence_ + 1 : held_.front().sequence;
    if (after > sequence_ || after + 1 < oldest) return std::nullopt;
    for (const Update& update : held_)
      if (update.sequence > after) sink(update);
  } else {
    for (const auto& [name, status] : services_) sink({sequence_, "service", name, status, nullptr});
  }
  sinks_[next_subscription_] = std::move(sink);
  return next_subscription_++;
}

void FakeControlPlane::unsubscribe(std::uint64_t subscription) {
  const std::scoped_lock lock(mutex_);
  sinks_.erase(subscription);
}

void FakeControlPlane::publish(Update update) {
  update.sequence = ++sequence_;
  held_.push_back(update);
  while (held_.size() > held_updates) held_.pop_front();
  const auto sinks = sinks_;  // a sink may unsubscribe
  for (const auto& [id, sink] : sinks) sink(update);
}

void FakeControlPlane::publish_service(const std::string& name, ServiceStatus status) {
  status.updated = clock_.wall();
  const auto shared = std::make_shared<const ServiceStatus>(std::move(status));
  services_[name] = shared;
  publish({0, "service", name, shared, nullptr});
  if (!shared->settled) return;
  const auto callbacks = std::move(waiting_[name]);
  waiting_.erase(name);
  for (const auto& done : callbacks) done(shared);
}

void FakeControlPlane::drop_service(const std::string& name) {
  if (services_.erase(name) == 0) return;
  publish({0, "service-removed", name, nullptr, nullptr});
  const auto callbacks = std::move(waiting_[name]);
  waiting_.erase(name);
  for (const auto& done : callbacks) done(nullptr);
}

// ---- what is wanted

Result<VerbResult> FakeControlPlane::command(const std::string& name, Verb verb, const Actor& actor) {
  {
    const std::scoped_lock lock(mutex_);
    commands_.push_back({name, verb, actor});
  }
  if (on_command)
    if (auto scripted = on_command(name, verb, actor)) return *std::move(scripted);
  return obey(name, verb);
}

Result<VerbResult> FakeControlPlane::obey(const std::string& name, Verb verb) {
  const std::scoped_lock lock(mutex_);
  const auto found = services_.find(name);
  if (found == services_.end()) return fail(ErrorCode::kNotFound, "no service named " + name);
  ServiceStatus status = *found->second;
  const Desired wanted = verb == Verb::kStop ? Desired::kStopped : Desired::kRunning;
  const bool changed = verb == Verb::kRestart || status.desired != wanted;
  if (!changed) return VerbResult{false, status.restart_nonce};
  status.desired = wanted;
  if (verb == Verb::kRestart) ++status.restart_nonce;
  status.settled = false;
  status.ready = false;
  status.phase = verb == Verb::kStop ? "Stopping" : "Starting";
  if (settle_at_once) make_settled(status, clock_);
  const VerbResult result{true, status.restart_nonce};
  publish_service(name, std::move(status));
  return result;
}

Status FakeControlPlane::heartbeat(const std::string& name, const Actor&) {
  const std::scoped_lock lock(mutex_);
  if (!services_.contains(name)) return fail(ErrorCode::kNotFound, "no service named " + name);
  change_service(name, [this](ServiceStatus& status) { status.last_heartbeat = clock_.wall(); });
  return {};
}

void FakeControlPlane::when_settled(const std::string& name, Duration, std::function<void(StatusPtr)> done) {
  StatusPtr status;
  {
    const std::scoped_lock lock(mutex_);
    status = service(name);
    if (status && !status->settled) {
      waiting_[name].push_back(std::move(done));
      return;
    }
  }
  done(status);
}

// ---- configuration

std::shared_ptr<const ConfigView> FakeControlPlane::config() const {
  const std::scoped_lock lock(mutex_);
  return view_;
}

Json FakeControlPlane::merged(const Json& edits) const {
  Json result = base_;
  merge_patch(result, edits);
  return result;
}

void FakeControlPlane::rebuild_view() {
  auto view = std::make_shared<ConfigView>();
  view->merged = merged(edits_);
  view->layers = {{"base", "/etc/holdfast/holdfast.yaml", base_, std::nullopt},
                  {"edits", "edits.json", edits_, std::nullopt}};
  collect_origins(base_, "", {"base", "/etc/holdfast/holdfast.yaml", 1, 1}, view->origins);
  collect_origins(edits_, "", {"edits", "edits.json", 0, 0}, view->origins);
  view->revision = revisions_.empty() ? 0 : revisions_.back().info.revision;
  view->etag = std::to_string(view->revision) + "-" +
               std::to_string(std::hash<std::string>{}(dump_json_canonical(view->merged)));
  view_ = std::move(view);
}

void FakeControlPlane::apply_services(const Json& before) {
  const Json& declared = view_->merged.at("services");
  for (const auto& [name, service] : before.at("services").members())
    if (declared.find(name) == nullptr) drop_service(name);
  for (const auto& [name, service] : declared.members()) {
    const auto found = services_.find(name);
    ServiceStatus status = found == services_.end() ? ServiceStatus{} : *found->second;
    auto spec = make_spec(name, service, status.spec);
    if (status.spec && status.spec->spec_hash == spec->spec_hash) continue;
    status.desired = spec->desired;
    status.spec = std::move(spec);
    make_settled(status, clock_);
    publish_service(name, std::move(status));
  }
}

Result<ConfigChange> FakeControlPlane::commit(Json edits, const std::optional<std::string>& if_match,
                                              const Actor& actor, const std::string& summary) {
  if (if_match && *if_match != view_->etag)
    return fail(ErrorCode::kConflict, "the configuration has changed since it was read",
                "read it again and repeat the change");
  Json result = merged(edits);
  if (on_validate)
    if (const Status valid = on_validate(result); !valid) return fail(valid.error());
  if (edits == edits_) return ConfigChange{view_->revision, view_->etag, false};
  const Json before = view_->merged;
  edits_ = std::move(edits);
  revisions_.push_back({{view_->revision + 1, clock_.wall(), actor.name, summary}, edits_});
  rebuild_view();
  apply_services(before);
  publish({0, "config", "", nullptr, nullptr});
  return ConfigChange{view_->revision, view_->etag, true};
}

Result<ConfigChange> FakeControlPlane::patch_config(const Json& patch,
                                                    const std::optional<std::string>& if_match,
                                                    const Actor& actor) {
  const std::scoped_lock lock(mutex_);
  Json edits = edits_;
  // A null has to stay in the layer, so that it also deletes what lower layers say.
  const std::function<void(Json&, const Json&)> overlay = [&overlay](Json& target, const Json& source) {
    for (const auto& [key, value] : source.members()) {
      Json* old = target.find(key);
      if (old == nullptr || !old->is_object() || !value.is_object())
        target.set(key, value);
      else
        overlay(*old, value);
    }
  };
  overlay(edits, patch);
  return commit(std::move(edits), if_match, actor, "patch");
}

Result<ConfigChange> FakeControlPlane::put_service(const std::string& name, const Json& service,
                                                   const std::optional<std::string>& if_match,
                                                   const Actor& actor) {
  const std::scoped_lock lock(mutex_);
  Json edits = edits_;
  Json services = edits.at("services").is_object() ? edits.at("services") : Json::object();
  services.set(name, service);
  edits.set("services", std::move(services));
  return commit(std::move(edits), if_match, actor, "services." + name);
}

std::vector<RevisionInfo> FakeControlPlane::revisions() const {
  const std::scoped_lock lock(mutex_);
  std::vector<RevisionInfo> result;
  for (auto revision = revisions_.rbegin(); revision != revisions_.rend(); ++revision)
    result.push_back(revision->info);
  return result;
}

Result<ConfigChange> FakeControlPlane::rollback(std::uint64_t revision,
                                                const std::optional<std::string>& if_match,
                                                const Actor& actor) {
  const std::scoped_lock lock(mutex_);
  if (revision == 0) return commit(Json::object(), if_match, actor, "rollback to 0");
  const auto found = std::find_if(revisions_.begin(), revisions_.end(),
                                  [revision](const Revision& r) { return r.info.revision == revision; });
  if (found == revisions_.end())
    return fail(ErrorCode::kNotFound, "no revision " + std::to_string(revision),
                "GET /api/v1/config/revisions lists those that are kept");
  return commit(Json(found->layer), if_match, actor, "rollback to " + std::to_string(revision));
}

Result<std::vector<PlannedChange>> FakeControlPlane::plan(const Json& document, bool merge) {
  const std::scoped_lock lock(mutex_);
  Json proposed = document;
  if (merge) {
    proposed = view_->merged;
    merge_patch(proposed, document);
  }
  if (on_validate)
    if (const Status valid = on_validate(proposed); !valid) return fail(valid.error());
  std::vector<PlannedChange> changes;
  const Json& before = view_->merged.at("services");
  const Json& after = proposed.at("services");
  for (const auto& [name, service] : after.members()) {
    const Json* old = before.find(name);
    if (old == nullptr)
      changes.push_back({name, "create", {"start " + name + "/0: new service"}, {}});
    else if (*old == service)
      changes.push_back({name, "none", {}, {}});
    else
      changes.push_back({name, "restart", {"start " + name + "/0: config changed"}, {"command"}});
  }
  for (const auto& [name, service] : before.members())
    if (after.find(name) == nullptr)
      changes.push_back({name, "delete", {"stop " + name + "/0: removed"}, {}});
  return changes;
}

void FakeControlPlane::audit(const AuditRecord& record) {
  const std::scoped_lock lock(mutex_);
  audited_.push_back(record);
}

}  // namespace holdfast::test
