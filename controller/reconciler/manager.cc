#include "controller/reconciler/manager.h"

#include <utility>

#include "controller/base/log.h"

namespace holdfast::reconciler {

namespace {

// Key of the queue that is no service: to look for what runs and isn't declared.
const std::string kOrphans = "?";  // NOLINT(cert-err58-cpp): made before any thread, and can't fail

bool gave_up(const StatusPtr& status) {
  return status && (status->phase == "Failed" || status->phase == "Completed" || status->phase == "Backoff");
}
}  // namespace

Manager::Manager(Parts parts, ManagerOptions options)
    : loop_(parts.loop),
      clock_(parts.clock),
      options_(std::move(options)),
      store_(std::move(parts.store)),
      runtimes_(std::move(parts.runtimes), parts.in_cluster),
      board_(parts.loop),
      queue_(parts.clock, RetryPolicy{}, options_.seed),
      prober_(parts.prober),
      usage_(std::move(parts.usage)),
      collected_(std::move(parts.collected)),
      on_config_(std::move(parts.on_config)),
      leadership_(parts.leadership),
      shared_intents_(parts.shared_intents),
      reconciler_({.clock = clock_,
                   .runtimes = runtimes_,
                   .desired = desired_,
                   .board = board_,
                   .store = *store_,
                   .prober = parts.prober,
                   .usage = usage_,
                   .collected = collected_,
                   .config_revision = [this] { return config_.revision(); },
                   .may_act = [this] { return !leadership_ || leadership_->leads(); }}),
      config_(std::move(parts.edits), options_.state_dir,
              {.validate = [this](const ServiceSpec& spec) { return runtimes_.validate(spec); },
               .applied = [this](const config::Document& document, std::uint64_t revision,
                                 const Actor& actor) { applied(document, revision, actor); },
               .rejected = [this](const std::vector<ConfigError>& errors) { rejected(errors); }},
              std::move(parts.read)),
      resync_ns_(options_.resync.count()) {
  desired_.restore_intents(store_->intents());
  for (const auto& [service, ledger] : store_->ledgers()) known_[service] = ledger.declaration;
  for (const auto& runtime : runtimes_.all()) listen_to(*runtime);
  if (prober_) prober_->on_change([this](const std::string& service) { queue_.add(service); });
  if (leadership_) leadership_->on_change([this] { lead_or_follow(); });
  for (const auto& sentence : store_->quarantined())
    record({.type = "StateQuarantined", .severity = "error", .message = sentence});
}

Manager::~Manager() {
  stop();
}

// An unknown service is one that ran before, or was just forgotten: looked into by a worker.
void Manager::listen_to(Runtime& runtime) {
  runtime.on_change([this, &runtime](const std::string& service) {
    if (!desired_.get(service).known) {
      orphans_due(runtime);
      return;
    }
    if (const auto status = board_.get(service); status && status->runtime != runtime.kind())
      reconciler_.doubt(service, &runtime);
    queue_.add(service);
  });
  runtime.on_availability([this, &runtime] { orphans_due(runtime); });
  runtime.on_note([this](const RuntimeNote& note) {
    record({.service = note.service,
            .type = note.type,
            .severity = note.severity,
            .message = note.message,
            .revision = config_.revision()});
  });
}

// ---- configuration

std::vector<ConfigError> Manager::reload(std::vector<config::LayerText> files) {
  return config_.reload(std::move(files));
}

void Manager::applied(const config::Document& document, std::uint64_t revision, const Actor& actor) {
  resync_ns_ = document.controller.resync.count();
  for (const auto& runtime : runtimes_.all()) runtime->declare(document.services);
  const auto changes = desired_.apply(document.services);
  for (const auto& [service, intent] : changes.intents) store_->save_intent(service, intent);
  if (on_config_) on_config_(document);
  std::vector<std::string> added, changed = changes.changed;
  for (const auto& name : changes.added) {
    const auto& spec = document.services.at(name);
    announce(spec);
    queue_.add(name);
    const auto past = known_.find(name);
    if (past == known_.end())
      added.push_back(name);
    else if (past->second != spec->declaration)
      changed.push_back(name);
  }
  known_.clear();  // only the first configuration meets what an earlier controller knew
  const auto tell = [&](const std::vector<std::string>& names, const char* what) {
    for (const auto& name : names) {
      record({.service = name,
              .type = "ConfigChanged",
              .message = name + " was " + what,
              .cause = "config",
              .actor = actor.name,
              .revision = revision});
      queue_.add(name);
    }
  };
  tell(added, "declared");
  tell(changed, "changed in the configuration");
  tell(changes.removed, "removed from the configuration");
  if (!configured_.exchange(true)) {
    for (const auto& runtime : runtimes_.all()) orphans_due(*runtime);
  }
  board_.publish_config(revision);
}

// A declared service is there for readers at once, before anybody has looked at it.
void Manager::announce(const SpecPtr& spec) {
  if (board_.get(spec->name)) return;
  auto status = std::make_shared<ServiceStatus>();
  status->spec = spec;
  const auto placement = runtimes_.place(*spec);
  status->runtime = placement ? placement->runtime->kind() : spec->runtime;
  status->desired = desired_.get(spec->name).desired;
  status->phase = kAnnounced;
  status->updated = clock_.wall();
  board_.publish(spec->name, std::move(status), 0, false);
}

void Manager::rejected(const std::vector<ConfigError>& errors) {
  for (const auto& error : errors) {
    log::error("the configuration has a fault", {{"error", describe(error)}});
    record({.type = "ConfigRejected", .severity = "error", .message = describe(error)});
  }
}

void Manager::orphans_due(Runtime& runtime) {
  {
    const std::lock_guard lock(orphans_mutex_);
    orphans_due_.insert(&runtime);
  }
  queue_.add(kOrphans);
}

// What runs but is not declared any more was removed while nobody looked, or while nobody could look.
void Manager::adopt_orphans() {
  if (!configured_) return;
  std::set<Runtime*> due;
  {
    const std::lock_guard lock(orphans_mutex_);
    due = orphans_due_;
  }
  for (auto* runtime : due) {
    const auto owned = runtime->list_owned();
    if (!owned) {  // tried again with the next resync, and when it can be used
      if (runtime->availability().available)
        log::warning("the running services can't be listed",
                     {{"runtime", to_string(runtime->kind())}, {"error", owned.error().message}});
      continue;
    }
    {
      const std::lock_guard lock(orphans_mutex_);
      orphans_due_.erase(runtime);
    }
    for (const auto& service : *owned) {
      if (!desired_.add_orphan(service)) continue;
      record({.service = service,
              .type = "Orphan",
              .severity = "warning",
              .message = service + " runs but is not declared; it is stopped and removed",
              .cause = "removed"});
      queue_.add(service);
    }
  }
}

// Where it was when it was looked at last.
Runtime* Manager::runtime_of(const std::string& service) const {
  const auto status = board_.get(service);
  return status ? runtimes_.find(status->runtime) : nullptr;
}

Result<std::vector<PlannedChange>> Manager::plan(const Json& document, bool merge) {
  const auto preview = config_.preview(document, merge);
  if (!preview) return fail(preview.error());
  const auto current = config_.document();
  std::vector<PlannedChange> changes;
  const auto json_of = [](const config::Document& from, const std::string& name) {
    const Json* services = from.merged.find("services");
    const Json* found = services ? services->find(name) : nullptr;
    return found ? *found : Json::object();
  };
  for (const auto& [name, spec] : (*preview)->services) {
    const auto old = current ? current->services.find(name) : decltype(current->services.end()){};
    const bool existed = current && old != current->services.end();
    PlannedChange change{name, "none", planned_actions(spec, name), {}, {}};
    if (!existed)
      change.change = "create";
    else if (old->second->spec_hash != spec->spec_hash)
      change.change = "restart";
    else if (old->second != spec)
      change.change = "update";
    if (const auto status = board_.get(name)) {
      if (status->workload) change.drift = status->workload->pending;
      for (const auto& instance : status->instances)
        change.drift.insert(change.drift.end(), instance.observed.drift.begin(),
                            instance.observed.drift.end());
    }
    if (existed) change.paths = config::changed_paths(json_of(*current, name), json_of(**preview, name));
    changes.push_back(std::move(change));
  }
  for (const auto& [name, spec] : current ? current->services : std::map<std::string, SpecPtr>{}) {
    if (!(*preview)->services.contains(name))
      changes.push_back({name, "delete", planned_actions(nullptr, name), {}, {}});
  }
  return changes;
}

// The planner's own word on a spec that is not in force, against what was last seen.
std::vector<std::string> Manager::planned_actions(const SpecPtr& spec, const std::string& name) const {
  Observation observation;
  HealthView health;
  RestartLedger ledger;
  if (const auto status = board_.get(name)) {
    observation.workload = status->workload;
    for (const auto& instance : status->instances) {
      observation.instances.push_back(instance.observed);
      auto& seen = ledger.ordinals[instance.observed.id.ordinal];
      seen.incarnation = std::max(seen.incarnation, instance.observed.incarnation);
      health[{instance.observed.id.ordinal, instance.observed.incarnation}] = {
          instance.health, instance.ready, false, false, ""};
    }
  }
  const auto wanted = desired_.get(name);
  auto* runtime = runtime_of(name);
  if (spec && (!runtime || (spec->runtime != RuntimeKind::kAuto && spec->runtime != runtime->kind()))) {
    const auto placement = runtimes_.place(*spec);
    if (!placement) return {placement.error().message};
    runtime = placement->runtime;
  }
  if (!runtime) return {};
  const auto capabilities = runtime->capabilities();
  const auto desired = !spec                                                  ? Desired::kStopped
                       : wanted.spec && wanted.spec->desired == spec->desired ? wanted.desired
                                                                              : spec->desired;
  const auto plan = planner::plan({.spec = spec,
                                   .service = name,
                                   .desired = desired,
                                   .restart_nonce = wanted.restart_nonce,
                                   .observation = &observation,
                                   .ledger = &ledger,
                                   .health = &health,
                                   .capabilities = &capabilities,
                                   .dependencies = {},
                                   .now = clock_.now(),
                                   .last_stop = wanted.spec ? wanted.spec->stop : StopPolicy{}});
  std::vector<std::string> texts;
  texts.reserve(plan.actions.size());
  for (const auto& action : plan.actions) texts.push_back(holdfast::describe(action));
  return texts;
}

// ---- operators

Result<VerbResult> Manager::command(const std::string& name, Verb verb, const Actor& actor) {
  const std::lock_guard lock(command_mutex_);
  const auto decided = desired_.decide(name, verb, gave_up(board_.get(name)), actor, clock_.wall());
  if (!decided) return fail(decided.error());
  if (!decided->result.changed) {
    queue_.add(name);  // nothing new is wanted, but what held it up may be gone
    return decided->result;
  }
  if (shared_intents_) {
    if (const auto saved = shared_intents_->save(name, decided->intent, desired_.intents()); !saved)
      return fail(saved.error());
  }
  desired_.adopt(name, decided->intent);
  store_->save_intent(name, decided->intent);
  static constexpr std::array<const char*, 3> kTypes{"StartRequested", "StopRequested", "RestartRequested"};
  record({.service = name,
          .type = kTypes.at(static_cast<size_t>(verb)),
          .message = std::string(to_string(verb)) + " of " + name + " was asked for by " + actor.name,
          .cause = "operator",
          .actor = actor.name,
          .revision = config_.revision()});
  enact(name);
  return decided->result;
}

void Manager::enact(const std::string& name) {
  queue_.add(name);
  for (const auto& neighbour : desired_.neighbours_of(name)) queue_.add(neighbour);
}

void Manager::adopt_intents(const std::map<std::string, Intent>& intents) {
  const std::lock_guard lock(command_mutex_);
  for (const auto& [name, intent] : intents) {
    if (!desired_.adopt(name, intent)) continue;
    store_->save_intent(name, intent);
    enact(name);
  }
}

// A new leader looks at everything: what the one before left half done is done by nobody else.
void Manager::lead_or_follow() {
  const bool leads = leadership_->leads();
  if (led_.exchange(leads) == leads) return;
  const auto leader = leadership_->leader();
  log::info(leads ? "this controller leads" : "this controller follows", {{"leader", leader.identity}});
  record({.type = leads ? "LeadershipGained" : "LeadershipLost",
          .severity = leads ? "info" : "warning",
          .message = leads ? "this controller acts on the services from now on"
                           : "another controller acts on the services" +
                                 (leader.identity.empty() ? std::string() : ": " + leader.identity)});
  if (leads) resync();
}

Status Manager::heartbeat(const std::string& name, const Actor&) {
  if (!desired_.get(name).spec) return fail(ErrorCode::kNotFound, "there is no service named '" + name + "'");
  if (prober_) prober_->heartbeat(name);
  const auto now = clock_.wall();
  board_.amend(name, [&](ServiceStatus& status) { status.last_heartbeat = now; });
  return {};
}

void Manager::when_settled(const std::string& name, Duration within, std::function<void(StatusPtr)> done) {
  const auto wanted = desired_.get(name);
  if (!wanted.known) return done(nullptr);
  board_.when_settled(name, wanted.version, within, std::move(done));
}

Result<std::string> Manager::logs_text(const std::string& name, size_t tail,
                                       const std::optional<std::string>& stream, std::optional<int> ordinal,
                                       std::optional<WallTime> since) {
  const auto wanted = desired_.get(name);
  if (!wanted.known) return fail(ErrorCode::kNotFound, "there is no service named '" + name + "'");
  auto* runtime = runtime_of(name);
  auto* logs = runtime ? runtime->logs() : nullptr;
  if (!logs) return fail(ErrorCode::kUnavailable, "this runtime keeps no logs");
  const auto lines = logs->read(name, {tail, since, stream, ordinal});
  if (!lines) return fail(lines.error());
  std::string text;
  for (const auto& line : *lines) text += line.text + '\n';
  return text;
}

// ---- measurements

void Manager::sampled(const std::string& service) {
  if (!usage_) return;
  board_.amend(service, [&](ServiceStatus& status) {
    for (auto& instance : status.instances) {
      if (instance.observed.phase != Phase::kExited) instance.usage = usage_(instance.observed);
    }
  });
}

void Manager::collected(const std::string& service) {
  if (!collected_) return;
  board_.amend(service, [&](ServiceStatus& status) { status.collected = collected_(service); });
}

// ---- the loop

void Manager::start(int workers) {
  running_ = true;
  stats_.set_workers(static_cast<std::uint64_t>(workers) + 1);
  turns_.set_limit(static_cast<size_t>(workers));
  for (int i = 0; i <= workers; ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
  schedule_resync();
  schedule_state_check();
}

void Manager::stop() {
  {
    const std::lock_guard lock(timers_mutex_);
    running_ = false;
    loop_.cancel(resync_timer_);
    loop_.cancel(state_timer_);
  }
  for (auto& worker : workers_) worker.request_stop();
  workers_.clear();
}

void Manager::work(const std::stop_token& stop) {
  while (const auto service = queue_.pop(stop)) handle(*service);
}

bool Manager::work_one() {
  const auto service = queue_.try_pop();
  if (!service) return false;
  handle(*service);
  return true;
}

// Whether its runtime may keep a worker waiting: an engine that hangs answers when a deadline has passed.
bool Manager::may_wait(const std::string& key) const {
  if (key == kOrphans) return true;
  const auto spec = desired_.get(key).spec;
  if (!spec || !runtimes_.is_local(*spec)) return true;
  const auto* home = runtime_of(key);
  return home && home->kind() != RuntimeKind::kProcess;
}

void Manager::handle(const std::string& key) {
  const bool takes_turn = may_wait(key);
  if (takes_turn && !turns_.take(key)) return queue_.done(key);
  if (key == kOrphans)
    adopt_orphans();
  else
    reconcile(key);
  queue_.done(key);
  if (!takes_turn) return;
  if (const auto waited = turns_.end()) queue_.add(*waited);
}

void Manager::reconcile(const std::string& service) {
  stats_.begin(clock_.now());
  StepResult result;
  try {
    result = reconciler_.step(service);
  } catch (
      const std::exception& e) {  // a bug must cost one service a retry, not all of them their supervisor
    log::error("a reconcile step threw", {{"service", service}, {"error", e.what()}});
    result.error = Error{ErrorCode::kInternal, e.what(), "", false, {}};
  }
  const auto outcome = result.error                        ? LoopStats::Outcome::kError
                       : result.again || result.next_check ? LoopStats::Outcome::kRequeue
                                                           : LoopStats::Outcome::kSuccess;
  stats_.end(outcome, clock_.now());
  if (result.error) {
    queue_.add_rate_limited(service);
  } else {
    queue_.forget(service);
    if (result.again) queue_.add(service);
    if (result.next_check) queue_.add_at(service, *result.next_check);
  }
  for (const auto& other : result.also) queue_.add(other);
}

void Manager::resync() {
  queue_.add(kOrphans);
  for (const auto& service : desired_.names()) queue_.add(service);
}

void Manager::schedule_resync() {
  const std::lock_guard lock(timers_mutex_);
  if (!running_) return;
  resync_timer_ = loop_.after(Duration{resync_ns_.load()}, [this] {
    resync();
    schedule_resync();
  });
}

void Manager::schedule_state_check() {
  const std::lock_guard lock(timers_mutex_);
  if (!running_) return;
  state_timer_ = loop_.after(options_.state_retry, [this] {
    check_state();
    schedule_state_check();
  });
}

void Manager::check_state() {
  if (store_->degraded()) store_->retry();
  const auto problem = store_->degraded();
  if (problem && !degraded_told_.exchange(true)) {
    log::error("state is not being saved; supervising goes on", {{"error", *problem}});
    board_.publish_event(store_->append_event({.at = clock_.wall(),
                                               .type = "StateDegraded",
                                               .severity = "error",
                                               .message = "state is not being saved: " + *problem}));
  } else if (!problem && degraded_told_.exchange(false)) {
    log::info("state is being saved again");
    record({.type = "StateRecovered", .message = "state is being saved again"});
  }
}

void Manager::record(Event event) {
  event.at = clock_.wall();
  board_.publish_event(store_->append_event(std::move(event)));
}

ReadyReport Manager::ready() const {
  ReadyReport report;
  const auto view = config_.view();
  report.checks["config"] = !config_.document() ? "no configuration is in force"
                            : view->problems.empty()
                                ? "ok"
                                : "the newest files are not in force: " + describe(view->problems.front());
  report.checks["state"] = store_->degraded().value_or("ok");
  report.checks["workers"] = running_ ? "ok" : "not running";
  const auto leader = leadership_ ? leadership_->leader().identity : std::string();
  const bool led = !leadership_ || leadership_->leads() || !leader.empty();
  if (leadership_) report.checks["leadership"] = led ? "ok" : "no controller leads";
  report.leader = leader;
  // A refused file or a full disk is shown, but the services are supervised: that is what ready means.
  report.ready = running_ && led && config_.document() != nullptr;
  return report;
}

ReconcilerStats Manager::stats() const {
  ReconcilerStats stats;
  stats_.fill(stats, clock_.now());
  const auto queue = queue_.stats();
  stats.queue_depth = queue.depth;
  stats.queue_adds = queue.adds;
  stats.queue_retries = queue.retries;
  return stats;
}

}  // namespace holdfast::reconciler
