#include "runtimes/fake/fake_runtime.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <tuple>
#include <utility>
#include <variant>

namespace holdfast::fake {
namespace {

std::string name_of(const InstanceId& id, std::uint64_t incarnation) {
  return id.service + "/" + std::to_string(id.ordinal) + " run " + std::to_string(incarnation);
}

const std::string& service_of(const Action& action) {
  return std::visit(
      [](const auto& a) -> const std::string& {
        if constexpr (requires { a.id; }) {
          return a.id.service;
        } else {
          return a.service;
        }
      },
      action);
}

}  // namespace

class FakeRuntime::Logs final : public LogReader {
 public:
  explicit Logs(FakeRuntime& runtime) : runtime_(runtime) {}
  Result<std::vector<LogLine>> read(const std::string& service, const LogQuery& query) override {
    const std::lock_guard lock(runtime_.mutex_);
    std::vector<LogLine> out;
    const auto found = runtime_.services_.find(service);
    if (found == runtime_.services_.end()) return out;
    const auto& lines = found->second.logs;
    for (auto line = lines.rbegin(); line != lines.rend() && out.size() < query.tail; ++line) {
      if (query.since && line->at < *query.since) continue;
      if (query.stream && line->stream != *query.stream) continue;
      if (query.ordinal && line->ordinal != *query.ordinal) continue;
      out.push_back(*line);
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

 private:
  FakeRuntime& runtime_;
};

FakeRuntime::FakeRuntime(const Clock& clock, RuntimeKind kind, Capabilities capabilities)
    : clock_(clock),
      kind_(kind),
      capabilities_(std::move(capabilities)),
      logs_(std::make_unique<Logs>(*this)) {}

FakeRuntime::~FakeRuntime() = default;

Capabilities FakeRuntime::default_capabilities() {
  Capabilities out;
  out.features = {{"replicas", Support::kEmulated}, {"restarts", Support::kEmulated},
                  {"probes", Support::kEmulated},   {"logs", Support::kNative},
                  {"exec", Support::kUnsupported},  {"adoption", Support::kNative},
                  {"stats", Support::kNative},      {"treeKill", Support::kNative}};
  return out;
}

std::optional<Error> FakeRuntime::fault(Call call, const std::string& service, FaultPoint point) const {
  Fault fault;
  {
    const std::lock_guard lock(mutex_);
    if (!availability_.available && call != Call::kValidate)
      return Error{ErrorCode::kUnavailable, availability_.message, "", false, {}};
    // Only execute has an effect that could come before its error.
    const FaultPoint wanted = call == Call::kExecute ? fault_point_ : FaultPoint::kBefore;
    if (wanted != point) return std::nullopt;
    fault = fault_;
  }
  return fault ? fault(call, service) : std::nullopt;
}

Availability FakeRuntime::availability() const {
  const std::lock_guard lock(mutex_);
  return availability_;
}

Result<Preparation> FakeRuntime::prepare(const ActionContext& context) {
  const std::lock_guard lock(mutex_);
  const auto found = preparations_.find(context.spec->name);
  return found == preparations_.end() ? Preparation{} : found->second;
}

Status FakeRuntime::validate(const ServiceSpec& spec) {
  if (auto error = fault(Call::kValidate, spec.name, FaultPoint::kBefore)) return fail(std::move(*error));
  const bool image = kind_ == RuntimeKind::kDocker && !spec.docker.image.empty();
  if (spec.argv.empty() && !image)
    return fail_terminal(ErrorCode::kInvalid, "service " + spec.name + " has no command", "set command");
  return {};
}

Result<Observation> FakeRuntime::observe(const std::string& service) {
  if (auto error = fault(Call::kObserve, service, FaultPoint::kBefore)) return fail(std::move(*error));
  const std::lock_guard lock(mutex_);
  ++counters_.observes;
  Observation out;
  const auto found = services_.find(service);
  if (found == services_.end()) return out;
  Service& of = found->second;
  settle(of);
  out.workload = of.workload;
  out.instances.reserve(of.runs.size());
  for (const Run& run : of.runs) {
    const int ordinal = run.seen.id.ordinal;
    std::uint64_t& shown = of.shown[ordinal];
    shown = std::max(shown, run.seen.incarnation);
    ObservedInstance& seen = out.instances.emplace_back(run.seen);
    if (of.unknown.empty() || seen.phase == Phase::kExited || !of.unknown.contains(ordinal)) continue;
    seen.phase = Phase::kUnknown;
    seen.stopping_since.reset();
    seen.message = "can't be seen";
  }
  return out;
}

Result<std::vector<std::string>> FakeRuntime::list_owned() {
  if (auto error = fault(Call::kListOwned, {}, FaultPoint::kBefore)) return fail(std::move(*error));
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, service] : services_)
    if (!service.runs.empty() || service.workload) out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

Status FakeRuntime::execute(const Action& action, const ActionContext& context) {
  const std::string& service = service_of(action);
  if (auto error = fault(Call::kExecute, service, FaultPoint::kBefore)) return fail(std::move(*error));
  Status done;
  {
    const std::lock_guard lock(mutex_);
    settle(services_[service]);
    done = std::visit([&](const auto& a) { return act(a, context); }, action);
  }
  tell(service);
  if (auto error = fault(Call::kExecute, service, FaultPoint::kAfter)) return fail(std::move(*error));
  return done;
}

Status FakeRuntime::act(const StartInstance& action, const ActionContext& context) {
  if (!context.spec) return fail_terminal(ErrorCode::kInvalid, "cannot start without a spec");
  Service& service = services_[action.id.service];
  if (find(action.id, action.incarnation) != nullptr) return {};  // done before
  const std::string name = name_of(action.id, action.incarnation);
  if (const Run* other = live(action.id)) {
    violations_.push_back("start of " + name + " while run " + std::to_string(other->seen.incarnation) +
                          " has not exited");
    return fail(ErrorCode::kConflict, name + ": an earlier run has not exited");
  }
  if (action.incarnation <= service.shown[action.id.ordinal])
    violations_.push_back("start of " + name + ", which has been before");
  std::erase_if(service.runs, [&](const Run& run) { return run.seen.id.ordinal == action.id.ordinal; });
  launch(service, action.id, action.incarnation, context);
  ++counters_.starts;
  return {};
}

Status FakeRuntime::act(const SignalInstance& action, const ActionContext& /*context*/) {
  Run* run = find(action.id, action.incarnation);
  if (run == nullptr || run->seen.phase == Phase::kExited || run->seen.phase == Phase::kStopping) return {};
  ++counters_.signals;
  run->stop_signal = action.signal;
  signal(*run);
  return {};
}

Status FakeRuntime::act(const KillInstance& action, const ActionContext& context) {
  Run* run = find(action.id, action.incarnation);
  if (run == nullptr || run->seen.phase == Phase::kExited) return {};
  // Of an undeclared service only the loop may still know how long it was to be given.
  const Duration grace = context.spec ? context.spec->stop.grace_period : Duration{0};
  if (!run->seen.stopping_since || clock_.now() < *run->seen.stopping_since + grace)
    violations_.push_back("kill of " + name_of(action.id, action.incarnation) +
                          " before its grace period was over");
  ++counters_.kills;
  finish(*run, ExitRecord{.code = {}, .signal = 9, .reason = "killed by signal 9 (KILL)"});
  return {};
}

Status FakeRuntime::act(const RemoveInstance& action, const ActionContext& /*context*/) {
  const Run* run = find(action.id, action.incarnation);
  if (run == nullptr) return {};
  if (run->seen.phase != Phase::kExited)
    return fail(ErrorCode::kConflict, name_of(action.id, action.incarnation) + " has not exited");
  auto& runs = services_[action.id.service].runs;
  runs.erase(runs.begin() + (run - runs.data()));
  ++counters_.removals;
  return {};
}

FakeRuntime::Run* FakeRuntime::find(const InstanceId& id, std::uint64_t incarnation) {
  for (Run& run : services_[id.service].runs)
    if (run.seen.id.ordinal == id.ordinal && run.seen.incarnation == incarnation) return &run;
  return nullptr;
}

FakeRuntime::Run* FakeRuntime::live(const InstanceId& id) {
  Run* newest = nullptr;
  for (Run& run : services_[id.service].runs)
    if (run.seen.id.ordinal == id.ordinal && run.seen.phase != Phase::kExited) newest = &run;
  return newest;
}

FakeRuntime::Run& FakeRuntime::add(Service& service, Run run) {
  const auto after =
      std::upper_bound(service.runs.begin(), service.runs.end(), run, [](const Run& a, const Run& b) {
        return std::tie(a.seen.id.ordinal, a.seen.incarnation) <
               std::tie(b.seen.id.ordinal, b.seen.incarnation);
      });
  return *service.runs.insert(after, std::move(run));
}

void FakeRuntime::launch(Service& service, const InstanceId& id, std::uint64_t incarnation,
                         const ActionContext& context) {
  const MonoTime now = clock_.now();
  Run run;
  run.script = service.script;
  run.seen.id = id;
  run.seen.incarnation = incarnation;
  run.seen.phase = Phase::kStarting;
  run.seen.pid = ++last_pid_;
  run.seen.started_at = now;
  run.seen.started_wall = clock_.wall();
  run.seen.spec_hash = context.spec->spec_hash;
  run.seen.restart_nonce = context.restart_nonce;
  run.running_at = now + run.script.startup;
  if (run.script.run_for) run.exits_at = now + *run.script.run_for;
  run.exit_then = run.script.exit;
  if (run.script.cannot_execute) {
    run.exits_at = now;
    run.exit_then =
        ExitRecord{.code = {}, .signal = {}, .start_failed = true, .reason = *run.script.cannot_execute};
  }
  settle(run, now, clock_.wall());
  expect(add(service, std::move(run)));
}

void FakeRuntime::signal(Run& run) {
  const MonoTime now = clock_.now();
  run.seen.phase = Phase::kStopping;
  run.seen.stopping_since = now;
  run.running_at.reset();
  if (!run.script.stop_after) return expect(run);
  const MonoTime exits_at = now + *run.script.stop_after;
  if (!run.exits_at || exits_at < *run.exits_at) {
    run.exits_at = exits_at;
    run.exit_then = run.script.stop_exit.value_or(
        ExitRecord{.code = {},
                   .signal = run.stop_signal,
                   .reason = "killed by signal " + std::to_string(run.stop_signal)});
  }
  settle(run, now, clock_.wall());
  expect(run);
}

void FakeRuntime::finish(Run& run, ExitRecord exit) {
  run.exits_at = clock_.now();
  run.exit_then = std::move(exit);
  settle(run, clock_.now(), clock_.wall());
}

void FakeRuntime::settle(Run& run, MonoTime now, WallTime wall) {
  if (run.seen.phase == Phase::kStarting && run.running_at && *run.running_at <= now) {
    run.seen.phase = Phase::kRunning;
    run.running_at.reset();
  }
  if (run.seen.phase == Phase::kExited || !run.exits_at || *run.exits_at > now) return;
  run.seen.phase = Phase::kExited;
  run.seen.pid.reset();
  run.seen.stopping_since.reset();
  run.seen.exit = std::move(run.exit_then);
  run.seen.exit->at = wall - (now - *run.exits_at);
  run.running_at.reset();
  run.exits_at.reset();
}

void FakeRuntime::settle(Service& service) {
  const MonoTime now = clock_.now();
  for (Run& run : service.runs)
    if (run.running_at || run.exits_at) settle(run, now, clock_.wall());
}

void FakeRuntime::expect(const Run& run) {
  if (run.running_at) transitions_.emplace(*run.running_at, run.seen.id.service);
  if (run.exits_at) transitions_.emplace(*run.exits_at, run.seen.id.service);
}

void FakeRuntime::on_change(std::function<void(const std::string& service)> sink) {
  const std::lock_guard lock(mutex_);
  sink_ = std::move(sink);
}

void FakeRuntime::tell(const std::string& service) {
  std::function<void(const std::string&)> sink;
  {
    const std::lock_guard lock(mutex_);
    sink = sink_;
  }
  if (sink) sink(service);
}

std::vector<ResourceUsage> FakeRuntime::usage(const std::vector<ObservedInstance>& instances) {
  const MonoTime now = clock_.now();
  std::vector<ResourceUsage> out(instances.size());
  for (size_t i = 0; i < instances.size(); ++i) {
    if (!instances[i].pid) continue;
    const Duration ran = instances[i].started_at ? now - *instances[i].started_at : Duration{0};
    out[i].cpu_percent = 1;
    out[i].cpu_seconds_total = std::chrono::duration<double>(ran).count() / 100;
    out[i].memory_bytes = 1 << 20;
    out[i].open_fds = 3;
    out[i].processes = 1;
  }
  return out;
}

LogReader* FakeRuntime::logs() {
  return logs_.get();
}

}  // namespace holdfast::fake
