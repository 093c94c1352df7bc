#include "runtimes/docker/docker_runtime.h"

#include <algorithm>
#include <map>
#include <set>
#include <shared_mutex>

#include "controller/base/log.h"
#include "runtimes/docker/container_io.h"
#include "runtimes/docker/image_puller.h"
#include "runtimes/docker/instance_table.h"
#include "runtimes/docker/record.h"
#include "runtimes/docker/spec_container.h"
#include "runtimes/listeners.h"

namespace holdfast {

namespace {

using docker::Client;

std::string value_of(const std::map<std::string, std::string>& map, const char* key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

class DockerRuntime final : public Runtime {
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
        instances_(host_),
        puller_(link_, clock),
        io_(link_, instances_, [this](const std::string& service) { return declared(service); }) {
    host_.note = [this](const RuntimeNote& note) { listeners_.note(note); };
    puller_.on_note([this](const RuntimeNote& note) { listeners_.note(note); });
    puller_.on_change([this](const std::string& service) { listeners_.changed(service); });
  }
  ~DockerRuntime() override { link_.stop(); }

  bool read_records() { return instances_.read_records(); }
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
  void on_change(std::function<void(const std::string&)> sink) override { listeners_.set(std::move(sink)); }
  void on_availability(const std::function<void()>& sink) override { listeners_.set(sink); }
  void on_note(const std::function<void(const RuntimeNote&)>& sink) override { listeners_.set(sink); }
  std::vector<ResourceUsage> usage(const std::vector<ObservedInstance>& instances) override {
    return io_.usage(instances);
  }
  LogReader* logs() override { return &io_; }
  ExecRunner* exec() override { return &io_; }

 private:
  [[nodiscard]] bool has_begun() const {
    const std::shared_lock lock(mutex_);
    return begun_;
  }
  void list(Client& client);
  void sweep(const std::set<InstanceId>& listed);
  void take_event(const docker::ContainerEvent& event);
  [[nodiscard]] SpecPtr declared(const std::string& service) const;
  [[nodiscard]] bool is_stale(const InstanceId& id) const;
  [[nodiscard]] std::set<std::string> known_services() const;

  docker::EngineLink link_;
  docker::Host host_;
  Listeners listeners_;
  docker::InstanceTable instances_;
  docker::ImagePuller puller_;
  docker::ContainerIo io_;

  mutable std::shared_mutex mutex_;
  bool begun_ = false, told_declared_ = false;
  std::map<std::string, SpecPtr> declared_;  // those that may run here
};

// ---- what is there

void DockerRuntime::begin() {
  {
    const std::unique_lock lock(mutex_);
    if (std::exchange(begun_, true)) return;
  }
  link_.start({.on_list = [this](Client& client) { list(client); },
               .on_event = [this](const docker::ContainerEvent& event) { take_event(event); },
               .on_availability =
                   [this] {
                     listeners_.availability_changed();
                     for (const auto& service : known_services()) listeners_.changed(service);
                   }});
}

// All may have changed: who declared what is here or could be here looks again, also if no list is to be had.
void DockerRuntime::list(Client& client) {
  const auto rows = client.list(std::string(docker::kControllerLabel) + "=" + host_.controller);
  if (!rows) log::warning("the containers can't be listed", {{"error", rows.error().message}});
  std::set<InstanceId> listed;
  for (const auto& row : rows.value_or(std::vector<docker::ContainerRow>{})) {
    const auto service = value_of(row.labels, docker::kServiceLabel);
    const auto ordinal = docker::ordinal_of(value_of(row.labels, docker::kOrdinalLabel));
    if (service.empty() || !ordinal) continue;
    listed.insert({service, *ordinal});
    const auto instance = instances_.find_or_make({service, *ordinal});
    if (instance->has_record()) continue;
    // Its record is lost: it gets one now, so that it is known to be owned if nobody declares it.
    if (const auto seen = instance->observe(declared(service)); !seen)
      log::warning("a container of a service can't be looked at",
                   {{"service", service}, {"error", seen.error().message}});
  }
  sweep(listed);
  for (const auto& service : known_services()) listeners_.changed(service);
}

// Nobody declares it (any more).
bool DockerRuntime::is_stale(const InstanceId& id) const {
  const std::shared_lock lock(mutex_);
  const auto spec = declared_.find(id.service);
  return told_declared_ && (spec == declared_.end() || id.ordinal >= spec->second->replicas);
}

// Stopped containers are kept for as long as somebody declares what they are for.
void DockerRuntime::sweep(const std::set<InstanceId>& listed) {
  for (const auto& [id, instance] : instances_.all()) {
    if (!is_stale(id) || (!listed.contains(id) && !instance->has_record())) continue;
    if (const auto done = instance->discard_leftover(); !done)
      log::warning("a stopped container can't be removed",
                   {{"service", id.service}, {"error", done.error().message}});
  }
}

void DockerRuntime::take_event(const docker::ContainerEvent& event) {
  if (event.action.starts_with("exec_") || event.action == "top" || event.action == "resize") return;
  if (value_of(event.attributes, docker::kControllerLabel) == host_.controller) {
    const auto service = value_of(event.attributes, docker::kServiceLabel);
    const auto ordinal = docker::ordinal_of(value_of(event.attributes, docker::kOrdinalLabel));
    // Asked for by a controller before this one, maybe.
    if (event.action == "create" && ordinal && is_stale({service, *ordinal})) link_.list_soon();
    listeners_.changed(service);
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
  for (const auto& service : adopters) listeners_.changed(service);
}

Result<Observation> DockerRuntime::observe(const std::string& service) {
  const auto spec = declared(service);
  if (spec && docker::is_adopted(*spec)) instances_.find_or_make({service, 0});
  Observation observation;
  const auto instances = instances_.all_of(service);
  if (instances.empty() && has_begun()) {
    // Nothing can be there; but whether something may be started is the engine's to say.
    const auto reach = link_.call([](Client&) -> Status { return {}; });
    if (!reach) return fail(reach.error());
  }
  for (const auto& [ordinal, instance] : instances) {
    auto seen = instance->observe(spec);
    if (!seen) return fail(seen.error());
    if (!*seen) continue;
    if (spec && (*seen)->spec_hash == spec->spec_hash) puller_.count_as_pulled(*spec, (*seen)->restart_nonce);
    observation.instances.push_back(std::move(**seen));
  }
  return observation;
}

Result<std::vector<std::string>> DockerRuntime::list_owned() {
  std::vector<std::string> owned;
  for (const auto& service : known_services()) {
    const auto instances = instances_.all_of(service);
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
  if (docker::is_adopted(spec)) return {};
  const auto secrets = docker::secrets_archive(spec);  // they must be there before anything is stopped
  return secrets ? Status{} : fail(secrets.error());
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
    return instances_.find_or_make(start->id)->start(*start, context);
  }
  if (const auto* signal = std::get_if<SignalInstance>(&action)) {
    const auto instance = instances_.find(signal->id);
    return instance ? instance->signal(*signal) : Status{};
  }
  if (const auto* kill = std::get_if<KillInstance>(&action)) {
    const auto instance = instances_.find(kill->id);
    return instance ? instance->kill(*kill) : Status{};
  }
  if (const auto* remove = std::get_if<RemoveInstance>(&action)) {
    const auto instance = instances_.find(remove->id);
    return instance ? instance->remove(*remove, context) : Status{};
  }
  return fail_terminal(ErrorCode::kInvalid,
                       "the docker runtime has no workloads: " + std::string(action_name(action)));
}

// ---- beside the loop

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
  result.features["probes.notify"] = Support::kUnsupported;
  result.notes["probes.notify"] = "sd_notify doesn't reach out of a container";
  result.notes["stats"] = "from the container's cgroup where it can be read, otherwise from the engine";
  return result;
}

Availability DockerRuntime::availability() const {
  if (has_begun()) return link_.availability();
  return {
      .known = true, .available = false, .message = "not looked for: no service is declared to run in it"};
}

SpecPtr DockerRuntime::declared(const std::string& service) const {
  const std::shared_lock lock(mutex_);
  const auto found = declared_.find(service);
  return found == declared_.end() ? nullptr : found->second;
}

std::set<std::string> DockerRuntime::known_services() const {
  auto names = instances_.services();
  const std::shared_lock lock(mutex_);
  for (const auto& [service, spec] : declared_) names.insert(service);
  return names;
}

}  // namespace

Result<std::unique_ptr<Runtime>> make_docker_runtime(const Clock& clock, DockerRuntimeOptions options,
                                                     std::unique_ptr<docker::Client> engine,
                                                     std::unique_ptr<docker::Client> cli) {
  auto id = docker::controller_id(options.state_dir + "/docker");
  if (!id) return fail(id.error());
  if (options.link.identity_file.empty()) options.link.identity_file = options.state_dir + "/docker/engine";
  auto runtime = std::make_unique<DockerRuntime>(clock, std::move(options), std::move(*id), std::move(engine),
                                                 std::move(cli));
  if (runtime->read_records()) runtime->begin();
  return runtime;
}

}  // namespace holdfast
