#include "runtimes/docker/docker_runtime.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <map>
#include <shared_mutex>

#include <sys/random.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "controller/base/text.h"
#include "runtimes/docker/cgroup_usage.h"
#include "runtimes/docker/image_puller.h"
#include "runtimes/docker/instance.h"
#include "runtimes/docker/spec_container.h"

namespace holdfast {

namespace {

using docker::Client;
using docker::Instance;
using InstancePtr = std::shared_ptr<Instance>;

std::optional<int> ordinal_of(const std::string& text) {
  int ordinal = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ordinal);
  if (error != std::errc{} || end != text.data() + text.size() || ordinal < 0) return std::nullopt;
  return ordinal;
}

std::string value_of(const std::map<std::string, std::string>& map, const char* key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

class DockerRuntime final : public Runtime, private LogReader, private ExecRunner {
 public:
  DockerRuntime(const Clock& clock, DockerRuntimeOptions options, std::string controller,
                std::unique_ptr<Client> engine, std::unique_ptr<Client> cli)
      : link_(std::move(engine), std::move(cli), std::move(options.link)),
        host_{.link = link_,
              .clock = clock,
              .directory = options.state_dir + "/docker",
              .controller = std::move(controller),
              .name_prefix = std::move(options.name_prefix),
              .labels = std::move(options.labels)},
        puller_(link_, clock) {
    host_.note = [this](const RuntimeNote& note) { tell_note(note); };
    puller_.on_note([this](const RuntimeNote& note) { tell_note(note); });
    puller_.on_change([this](const std::string& service) { tell(service); });
  }
  ~DockerRuntime() override { link_.stop(); }

  bool read_records();
  void begin();

  [[nodiscard]] RuntimeKind kind() const override { return RuntimeKind::kDocker; }
  [[nodiscard]] Capabilities capabilities() const override;
  [[nodiscard]] Availability availability() const override;
  Status validate(const ServiceSpec& spec) override;
  void declare(const std::map<std::string, SpecPtr>& services) override;
  Result<Preparation> prepare(const ActionContext& context) override;
  Result<Observation> observe(const std::string& service) override;
  Result<std::vector<std::string>> list_owned() override;
  Status execute(const Action& action, const ActionContext& context) override;
  void on_change(std::function<void(const std::string&)> sink) override;
  void on_availability(const std::function<void()>& sink) override;
  void on_note(const std::function<void(const RuntimeNote&)>& sink) override;
  std::vector<ResourceUsage> usage(const std::vector<ObservedInstance>& instances) override;
  LogReader* logs() override { return this; }
  ExecRunner* exec() override { return this; }

 private:
  Result<std::vector<LogLine>> read(const std::string& service, const LogQuery& query) override;
  Result<ExecResult> run(const InstanceId& id, const std::vector<std::string>& argv,
                         Duration timeout) override;

  [[nodiscard]] bool has_begun() const {
    const std::shared_lock lock(mutex_);
    return begun_;
  }
  void list(Client& client);
  void sweep(const std::set<InstanceId>& listed);
  void take_event(const docker::ContainerEvent& event);
  void tell(const std::string& service);
  void tell_note(const RuntimeNote& note);
  [[nodiscard]] SpecPtr declared(const std::string& service) const;
  [[nodiscard]] bool is_stale(const std::string& service, int ordinal) const;
  [[nodiscard]] InstancePtr find(const InstanceId& id) const;
  InstancePtr find_or_make(const InstanceId& id);
  [[nodiscard]] std::vector<std::pair<int, InstancePtr>> all_of(const std::string& service) const;
  [[nodiscard]] std::vector<std::string> known_services() const;

  docker::EngineLink link_;
  docker::Host host_;
  docker::ImagePuller puller_;

  mutable std::shared_mutex mutex_;
  bool begun_ = false, told_declared_ = false;
  std::map<std::string, std::map<int, InstancePtr>> table_;
  std::map<std::string, SpecPtr> declared_;  // those that may run here
  std::function<void(const std::string&)> change_;
  std::function<void()> availability_;
  std::function<void(const RuntimeNote&)> note_;
};

// ---- what is there

bool DockerRuntime::read_records() {
  std::error_code error, inner;
  bool any = false;
  for (std::filesystem::directory_iterator services(host_.directory, error), end; !error && services != end;
       services.increment(error)) {
    for (std::filesystem::directory_iterator it(services->path(), inner); !inner && it != end;
         it.increment(inner)) {
      const auto ordinal =
          it->path().extension() == ".json" ? ordinal_of(it->path().stem().string()) : std::nullopt;
      if (!ordinal) continue;
      find_or_make({services->path().filename().string(), *ordinal});
      any = true;
    }
    inner.clear();
  }
  return any;
}

void DockerRuntime::begin() {
  {
    const std::unique_lock lock(mutex_);
    if (std::exchange(begun_, true)) return;
  }
  link_.start({.on_list = [this](Client& client) { list(client); },
               .on_event = [this](const docker::ContainerEvent& event) { take_event(event); },
               .on_availability =
                   [this] {
                     std::function<void()> sink;
                     {
                       const std::shared_lock lock(mutex_);
                       sink = availability_;
                     }
                     if (sink) sink();
                     for (const auto& service : known_services()) tell(service);
                   }});
}

// All may have changed: who declared what is here or could be here looks again.
void DockerRuntime::list(Client& client) {
  const auto rows = client.list(std::string(docker::kControllerLabel) + "=" + host_.controller);
  if (!rows) {
    log::warning("the containers can't be listed", {{"error", rows.error().message}});
    return;
  }
  std::set<InstanceId> listed;
  for (const auto& row : *rows) {
    const auto service = value_of(row.labels, docker::kServiceLabel);
    const auto ordinal = ordinal_of(value_of(row.labels, docker::kOrdinalLabel));
    if (service.empty() || !ordinal) continue;
    listed.insert({service, *ordinal});
    find_or_make({service, *ordinal});
  }
  sweep(listed);
  for (const auto& service : known_services()) tell(service);
}

// Nobody declares it (any more). For a holder of the lock.
bool DockerRuntime::is_stale(const std::string& service, int ordinal) const {
  const auto spec = declared_.find(service);
  return told_declared_ && (spec == declared_.end() || ordinal >= spec->second->replicas);
}

// Stopped containers are kept for as long as somebody declares what they are for.
void DockerRuntime::sweep(const std::set<InstanceId>& listed) {
  std::vector<std::pair<InstanceId, InstancePtr>> stale;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [service, ordinals] : table_) {
      for (const auto& [ordinal, instance] : ordinals) {
        if (is_stale(service, ordinal)) stale.emplace_back(InstanceId{service, ordinal}, instance);
      }
    }
  }
  for (const auto& [id, instance] : stale) {
    if (!listed.contains(id) && !instance->has_record()) continue;
    if (const auto done = instance->discard_leftover(); !done)
      log::warning("a stopped container can't be removed",
                   {{"service", id.service}, {"error", done.error().message}});
  }
}

void DockerRuntime::take_event(const docker::ContainerEvent& event) {
  if (event.action.starts_with("exec_") || event.action == "top" || event.action == "resize") return;
  if (value_of(event.attributes, docker::kControllerLabel) == host_.controller) {
    const auto service = value_of(event.attributes, docker::kServiceLabel);
    if (event.action == "create") {  // asked for by a controller before this one, maybe
      const auto ordinal = ordinal_of(value_of(event.attributes, docker::kOrdinalLabel));
      const std::shared_lock lock(mutex_);
      if (ordinal && is_stale(service, *ordinal)) link_.list_soon();
    }
    tell(service);
    return;
  }
  const auto name = value_of(event.attributes, "name");
  std::vector<std::string> adopters;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [service, spec] : declared_) {
      if (spec->docker.container.empty()) continue;
      if (spec->docker.container == name || spec->docker.container == event.id) adopters.push_back(service);
    }
  }
  for (const auto& service : adopters) tell(service);
}

Result<Observation> DockerRuntime::observe(const std::string& service) {
  const auto spec = declared(service);
  if (spec && docker::is_adopted(*spec)) find_or_make({service, 0});
  Observation observation;
  const auto instances = all_of(service);
  if (instances.empty() && has_begun()) {
    // Nothing can be there; but whether something may be started is the engine's to say.
    const auto reach = link_.call([](Client&) -> Status { return {}; });
    if (!reach) return fail(reach.error());
  }
  for (const auto& [ordinal, instance] : instances) {
    auto seen = instance->observe(spec);
    if (!seen) return fail(seen.error());
    if (*seen) observation.instances.push_back(std::move(**seen));
  }
  return observation;
}

Result<std::vector<std::string>> DockerRuntime::list_owned() {
  std::vector<std::string> owned;
  for (const auto& service : known_services()) {
    const auto instances = all_of(service);
    if (std::all_of(instances.begin(), instances.end(),
                    [](const auto& entry) { return !entry.second->has_record(); }))
      continue;
    const auto seen = observe(service);
    if (!seen) return fail(seen.error());
    if (!seen->instances.empty()) owned.push_back(service);
  }
  return owned;
}

// ---- what is wanted

void DockerRuntime::declare(const std::map<std::string, SpecPtr>& services) {
  bool wanted = false;
  {
    const std::unique_lock lock(mutex_);
    declared_.clear();
    for (const auto& [name, spec] : services) {
      if (docker::runs_in_docker(*spec)) declared_[name] = spec;
    }
    wanted = !declared_.empty();
    told_declared_ = true;
  }
  if (wanted) begin();
  link_.list_soon();
}

Status DockerRuntime::validate(const ServiceSpec& spec) {
  if (spec.docker.image.empty() && spec.docker.container.empty()) {
    return fail_terminal(ErrorCode::kInvalid, "service " + spec.name + " names no container image",
                         "set docker.image, or docker.container to adopt a container that exists");
  }
  for (const auto& [name, value] : spec.env) {
    const auto* secret = std::get_if<SecretRef>(&value);
    if (!secret || secret->source != SecretRef::Source::kKubernetes) continue;
    return fail_terminal(ErrorCode::kInvalid, "env " + name + ": a Kubernetes Secret can't be read on Docker",
                         "use secret.file or secret.env");
  }
  return {};
}

Result<Preparation> DockerRuntime::prepare(const ActionContext& context) {
  if (!context.spec || docker::is_adopted(*context.spec)) return Preparation{};
  return puller_.prepare(*context.spec, context.restart_nonce);
}

Status DockerRuntime::execute(const Action& action, const ActionContext& context) {
  if (const auto* start = std::get_if<StartInstance>(&action)) {
    if (start->id.service.empty() || start->id.ordinal < 0)
      return fail_terminal(ErrorCode::kInvalid, "'" + start->id.service + "' isn't the name of a service");
    begin();
    return find_or_make(start->id)->start(*start, context);
  }
  if (const auto* signal = std::get_if<SignalInstance>(&action)) {
    const auto instance = find(signal->id);
    return instance ? instance->signal(*signal) : Status{};
  }
  if (const auto* kill = std::get_if<KillInstance>(&action)) {
    const auto instance = find(kill->id);
    return instance ? instance->kill(*kill) : Status{};
  }
  if (const auto* remove = std::get_if<RemoveInstance>(&action)) {
    const auto instance = find(remove->id);
    return instance ? instance->remove(*remove, context) : Status{};
  }
  return fail_terminal(ErrorCode::kInvalid,
                       "the docker runtime has no workloads: " + std::string(action_name(action)));
}

// ---- beside the loop

std::vector<ResourceUsage> DockerRuntime::usage(const std::vector<ObservedInstance>& instances) {
  std::vector<ResourceUsage> result(instances.size());
  std::vector<std::string> unread;
  std::vector<size_t> places;
  for (size_t i = 0; i < instances.size(); ++i) {
    const auto instance = find(instances[i].id);
    const auto handle = instance ? instance->handle() : std::nullopt;
    if (!handle || !handle->pid || handle->incarnation != instances[i].incarnation) continue;
    if (auto measured = docker::cgroup_usage(handle->id, *handle->pid)) {
      result[i] = *measured;
      continue;
    }
    unread.push_back(handle->id);
    places.push_back(i);
  }
  if (unread.empty()) return result;
  const auto figures =
      link_.call([&](Client& client) -> Result<std::vector<ResourceUsage>> { return client.stats(unread); });
  if (!figures) return result;
  for (size_t i = 0; i < std::min(places.size(), figures->size()); ++i) result[places[i]] = (*figures)[i];
  return result;
}

Result<std::vector<LogLine>> DockerRuntime::read(const std::string& service, const LogQuery& query) {
  std::vector<LogLine> all;
  for (const auto& [ordinal, instance] : all_of(service)) {
    if (query.ordinal && *query.ordinal != ordinal) continue;
    auto handle = instance->handle();
    if (!handle && instance->has_record()) {
      if (const auto seen = instance->observe(declared(service)); !seen) return fail(seen.error());
      handle = instance->handle();
    }
    if (!handle) continue;
    auto lines = link_.call([&](Client& client) { return client.logs(handle->id, handle->tty, query); });
    if (!lines && lines.error().code == ErrorCode::kNotFound) continue;
    if (!lines) return fail(lines.error());
    for (auto& line : *lines) {
      line.ordinal = ordinal;
      all.push_back(std::move(line));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const LogLine& a, const LogLine& b) { return a.at < b.at; });
  if (all.size() > query.tail) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(query.tail));
  return all;
}

Result<ExecResult> DockerRuntime::run(const InstanceId& id, const std::vector<std::string>& argv,
                                      Duration timeout) {
  const auto instance = find(id);
  const auto handle = instance ? instance->handle() : std::nullopt;
  if (!handle || !handle->pid)
    return fail(ErrorCode::kNotFound, id.service + "/" + std::to_string(id.ordinal) + " isn't running");
  return link_.call([&](Client& client) { return client.exec(handle->id, argv, timeout); });
}

Capabilities DockerRuntime::capabilities() const {
  Capabilities result;
  for (const char* feature : {"user", "limits.cpu", "limits.memory", "limits.pids", "logs", "exec", "stats",
                              "adoption", "treeKill"})
    result.features[feature] = Support::kNative;
  for (const char* feature : {"replicas", "restarts", "probes", "logs.follow"})
    result.features[feature] = Support::kEmulated;
  result.notes["replicas"] = result.notes["restarts"] =
      "done by holdfast; the engine's own restart policy is off";
  result.notes["probes"] = "done by holdfast; an image's health check counts as readiness too";
  result.notes["stats"] = "from the container's cgroup where it can be read, otherwise from the engine";
  return result;
}

Availability DockerRuntime::availability() const {
  if (has_begun()) return link_.availability();
  return {
      .known = true, .available = false, .message = "not looked for: no service is declared to run in it"};
}

// ---- the table, and who listens

SpecPtr DockerRuntime::declared(const std::string& service) const {
  const std::shared_lock lock(mutex_);
  const auto found = declared_.find(service);
  return found == declared_.end() ? nullptr : found->second;
}

InstancePtr DockerRuntime::find(const InstanceId& id) const {
  const std::shared_lock lock(mutex_);
  const auto service = table_.find(id.service);
  if (service == table_.end()) return nullptr;
  const auto instance = service->second.find(id.ordinal);
  return instance == service->second.end() ? nullptr : instance->second;
}

InstancePtr DockerRuntime::find_or_make(const InstanceId& id) {
  if (auto instance = find(id)) return instance;
  const std::unique_lock lock(mutex_);
  auto& slot = table_[id.service][id.ordinal];
  if (!slot) slot = std::make_shared<Instance>(host_, id);
  return slot;
}

std::vector<std::pair<int, InstancePtr>> DockerRuntime::all_of(const std::string& service) const {
  const std::shared_lock lock(mutex_);
  const auto found = table_.find(service);
  if (found == table_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<std::string> DockerRuntime::known_services() const {
  const std::shared_lock lock(mutex_);
  std::set<std::string> names;
  for (const auto& [service, ordinals] : table_) names.insert(service);
  for (const auto& [service, spec] : declared_) names.insert(service);
  return {names.begin(), names.end()};
}

void DockerRuntime::on_change(std::function<void(const std::string&)> sink) {
  const std::unique_lock lock(mutex_);
  change_ = std::move(sink);
}

void DockerRuntime::on_availability(const std::function<void()>& sink) {
  const std::unique_lock lock(mutex_);
  availability_ = sink;
}

void DockerRuntime::on_note(const std::function<void(const RuntimeNote&)>& sink) {
  const std::unique_lock lock(mutex_);
  note_ = sink;
}

void DockerRuntime::tell(const std::string& service) {
  std::function<void(const std::string&)> sink;
  {
    const std::shared_lock lock(mutex_);
    sink = change_;
  }
  if (sink && !service.empty()) sink(service);
}

void DockerRuntime::tell_note(const RuntimeNote& note) {
  std::function<void(const RuntimeNote&)> sink;
  {
    const std::shared_lock lock(mutex_);
    sink = note_;
  }
  if (sink) sink(note);
}

// Kept for good: it is on the containers, and says whose they are.
Result<std::string> controller_id(const std::string& directory) {
  const auto path = directory + "/controller";
  if (auto known = read_file(path, 256); known && known->size() >= 16) return known;
  std::array<unsigned char, 8> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return fail(errno_error("no random bytes for the controller's id", errno));
  const auto id = to_hex(bytes);
  if (auto made = make_directories(directory, 0700); !made) return fail(made.error());
  if (auto written = write_file_atomically(path, id, 0600); !written) return fail(written.error());
  return id;
}

}  // namespace

Result<std::unique_ptr<Runtime>> make_docker_runtime(const Clock& clock, DockerRuntimeOptions options,
                                                     std::unique_ptr<docker::Client> engine,
                                                     std::unique_ptr<docker::Client> cli) {
  auto id = controller_id(options.state_dir + "/docker");
  if (!id) return fail(id.error());
  if (options.link.identity_file.empty()) options.link.identity_file = options.state_dir + "/docker/engine";
  auto runtime = std::make_unique<DockerRuntime>(clock, std::move(options), std::move(*id), std::move(engine),
                                                 std::move(cli));
  if (runtime->read_records()) runtime->begin();
  return runtime;
}

}  // namespace holdfast
