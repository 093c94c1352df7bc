#include "runtimes/process/process_runtime.h"

#include <charconv>
#include <filesystem>
#include <map>
#include <shared_mutex>

#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "runtimes/process/exec_runner.h"
#include "runtimes/process/host.h"
#include "runtimes/process/instance.h"
#include "runtimes/process/launch.h"
#include "runtimes/process/log_reader.h"
#include "runtimes/process/usage.h"

namespace holdfast {

namespace {

using process::Cgroups;
using process::Host;
using process::Instance;

class ProcessRuntime final : public Runtime, private ExecRunner {
 public:
  ProcessRuntime(EventLoop& loop, const Clock& clock, ProcessRuntimeOptions options)
      : host_(std::make_shared<Host>(loop, clock, std::move(options))), logs_(run_directory(), clock) {
    host_->start();
  }

  void adopt_all();

  [[nodiscard]] RuntimeKind kind() const override { return RuntimeKind::kProcess; }
  [[nodiscard]] Capabilities capabilities() const override;
  Status validate(const ServiceSpec& spec) override { return process::check_launch(spec); }
  Result<Observation> observe(const std::string& service) override;
  Result<std::vector<std::string>> list_owned() override;
  Status execute(const Action& action, const ActionContext& context) override;
  void on_change(std::function<void(const std::string&)> sink) override { host_->on_change(std::move(sink)); }
  std::vector<ResourceUsage> usage(const std::vector<ObservedInstance>& instances) override;
  LogReader* logs() override { return &logs_; }
  ExecRunner* exec() override { return this; }

 private:
  Result<ExecResult> run(const InstanceId& id, const std::vector<std::string>& argv,
                         Duration timeout) override;
  [[nodiscard]] std::string run_directory() const { return host_->options.state_dir + "/run"; }
  std::shared_ptr<Instance> find(const InstanceId& id) const;
  std::shared_ptr<Instance> find_or_make(const InstanceId& id);
  std::vector<std::shared_ptr<Instance>> all_of(const std::string& service) const;

  const std::shared_ptr<Host> host_;
  process::FileLogReader logs_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::map<int, std::shared_ptr<Instance>>> table_;
};

void ProcessRuntime::adopt_all() {
  std::error_code error;
  size_t adopted = 0;
  for (std::filesystem::directory_iterator services(run_directory(), error), end; !error && services != end;
       services.increment(error)) {
    const std::string service = services->path().filename().string();
    std::error_code inner;
    for (std::filesystem::directory_iterator it(services->path(), inner); !inner && it != end;
         it.increment(inner)) {
      const std::string name = it->path().filename().string();
      int ordinal = 0;
      const auto [rest, bad] = std::from_chars(name.data(), name.data() + name.size(), ordinal);
      if (bad != std::errc{} || rest != name.data() + name.size() || ordinal < 0) continue;
      auto instance = std::make_shared<Instance>(host_, InstanceId{service, ordinal});
      instance->adopt();
      table_[service][ordinal] = std::move(instance);
      ++adopted;
    }
  }
  host_->cgroups.sweep([this](const InstanceId& id) {
    const auto instance = find(id);
    const auto seen = instance ? instance->observe() : std::nullopt;
    return seen && seen->phase != Phase::kExited;
  });
  if (adopted > 0)
    log::info("looked at what an earlier controller left",
              {{"instances", static_cast<std::uint64_t>(adopted)}});
}

std::shared_ptr<Instance> ProcessRuntime::find(const InstanceId& id) const {
  const std::shared_lock lock(mutex_);
  const auto service = table_.find(id.service);
  if (service == table_.end()) return nullptr;
  const auto instance = service->second.find(id.ordinal);
  return instance == service->second.end() ? nullptr : instance->second;
}

std::shared_ptr<Instance> ProcessRuntime::find_or_make(const InstanceId& id) {
  if (auto instance = find(id)) return instance;
  const std::unique_lock lock(mutex_);
  auto& slot = table_[id.service][id.ordinal];
  if (!slot) slot = std::make_shared<Instance>(host_, id);
  return slot;
}

std::vector<std::shared_ptr<Instance>> ProcessRuntime::all_of(const std::string& service) const {
  std::vector<std::shared_ptr<Instance>> instances;
  const std::shared_lock lock(mutex_);
  const auto found = table_.find(service);
  if (found == table_.end()) return instances;
  for (const auto& [ordinal, instance] : found->second) instances.push_back(instance);
  return instances;
}

Result<Observation> ProcessRuntime::observe(const std::string& service) {
  Observation observation;
  for (const auto& instance : all_of(service)) {
    if (auto seen = instance->observe()) observation.instances.push_back(std::move(*seen));
  }
  return observation;
}

Result<std::vector<std::string>> ProcessRuntime::list_owned() {
  std::vector<std::pair<std::string, std::shared_ptr<Instance>>> all;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [service, ordinals] : table_) {
      for (const auto& [ordinal, instance] : ordinals) all.emplace_back(service, instance);
    }
  }
  std::vector<std::string> services;
  for (const auto& [service, instance] : all) {
    if ((services.empty() || services.back() != service) && instance->exists()) services.push_back(service);
  }
  return services;
}

Status ProcessRuntime::execute(const Action& action, const ActionContext& context) {
  if (const auto* start = std::get_if<StartInstance>(&action)) {
    const auto& id = start->id;
    if (id.service.empty() || id.service.front() == '.' || id.service.find('/') != std::string::npos ||
        id.ordinal < 0)
      return fail_terminal(ErrorCode::kInvalid, "'" + id.service + "' isn't the name of a service");
    return find_or_make(id)->start(*start, context);
  }
  const auto on_existing = [this](const auto& act, auto method) -> Status {
    const auto instance = find(act.id);
    return instance ? ((*instance).*method)(act) : Status{};
  };
  if (const auto* signal = std::get_if<SignalInstance>(&action))
    return on_existing(*signal, &Instance::signal);
  if (const auto* kill = std::get_if<KillInstance>(&action)) return on_existing(*kill, &Instance::kill);
  if (const auto* remove = std::get_if<RemoveInstance>(&action))
    return on_existing(*remove, &Instance::remove);
  return fail_terminal(ErrorCode::kInvalid,
                       "the process runtime has no workloads: " + std::string(action_name(action)));
}

std::vector<ResourceUsage> ProcessRuntime::usage(const std::vector<ObservedInstance>& instances) {
  std::vector<ResourceUsage> result;
  result.reserve(instances.size());
  for (const auto& seen : instances) {
    const auto instance = find(seen.id);
    const auto tree = instance ? instance->tree(seen.incarnation) : std::nullopt;
    result.push_back(tree ? process::measure(*tree) : ResourceUsage{});
  }
  return result;
}

Result<ExecResult> ProcessRuntime::run(const InstanceId& id, const std::vector<std::string>& argv,
                                       Duration timeout) {
  const auto instance = find(id);
  const auto tree = instance ? instance->current_tree() : std::nullopt;
  if (!tree) {
    return fail(ErrorCode::kNotFound, id.service + "/" + std::to_string(id.ordinal) + " isn't running");
  }
  return process::run_beside(host_->options.shim_path, host_->directory_of(id.service, id.ordinal), id, *tree,
                             argv, timeout);
}

Capabilities ProcessRuntime::capabilities() const {
  Capabilities result;
  result.features = {
      {"replicas", Support::kEmulated}, {"restarts", Support::kEmulated}, {"probes", Support::kEmulated},
      {"user", Support::kNative},       {"logs", Support::kNative},       {"logs.follow", Support::kEmulated},
      {"exec", Support::kNative},       {"stats", Support::kNative},      {"adoption", Support::kNative}};
  const Cgroups& cgroups = host_->cgroups;
  const auto limit = [&](const char* feature, Cgroups::Controller controller, const char* otherwise) {
    const std::string source = cgroups.limit_source(controller);
    result.features[feature] = !source.empty() ? Support::kNative
                               : otherwise     ? Support::kEmulated
                                               : Support::kUnsupported;
    result.notes[feature] = !source.empty() ? source
                            : otherwise
                                ? otherwise
                                : "no cgroup controller can be used here, and setrlimit has no such limit";
  };
  limit("limits.memory", Cgroups::Controller::kMemory, "setrlimit DATA, for each process by itself");
  limit("limits.pids", Cgroups::Controller::kPids, "setrlimit NPROC, counts all processes of the user");
  limit("limits.cpu", Cgroups::Controller::kCpu, nullptr);
  result.features["treeKill"] = cgroups.can_kill() ? Support::kNative : Support::kEmulated;
  result.notes["treeKill"] =
      cgroups.can_kill() ? "cgroup.kill" : "process groups and the subreaper's descendants";
  if (geteuid() != 0) result.notes["user"] = "only with the capabilities SETUID and SETGID";
  result.notes["replicas"] = result.notes["restarts"] = result.notes["probes"] = "done by holdfast";
  return result;
}

}  // namespace

Result<std::unique_ptr<Runtime>> make_process_runtime(EventLoop& loop, const Clock& clock,
                                                      ProcessRuntimeOptions options) {
  if (access(options.shim_path.c_str(), X_OK) != 0) {
    return fail(ErrorCode::kUnavailable, "holdfast-shim can't be executed at '" + options.shim_path + "'",
                "it is built and installed beside holdfast");
  }
  if (const auto made = make_directories(options.state_dir + "/run"); !made) return fail(made.error());
  auto runtime = std::make_unique<ProcessRuntime>(loop, clock, std::move(options));
  runtime->adopt_all();
  return runtime;
}

}  // namespace holdfast
