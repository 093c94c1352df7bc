#include "runtimes/kubernetes/kubernetes_runtime.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <shared_mutex>
#include <utility>

#include "controller/base/log.h"
#include "runtimes/kubernetes/manifest.h"
#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/namespaces.h"
#include "runtimes/kubernetes/ordinals.h"
#include "runtimes/kubernetes/pod_logs.h"
#include "runtimes/kubernetes/pod_sight.h"
#include "runtimes/kubernetes/views.h"
#include "runtimes/kubernetes/workload_writer.h"
#include "runtimes/listeners.h"

namespace holdfast {

namespace {

using kubernetes::Client;
using kubernetes::NamespaceView;
using kubernetes::Seen;

class KubernetesRuntime final : public Runtime {
 public:
  KubernetesRuntime(const Clock& clock, KubernetesRuntimeOptions options, kubernetes::MakeClient make_client);
  ~KubernetesRuntime() override;

  [[nodiscard]] RuntimeKind kind() const override { return RuntimeKind::kKubernetes; }
  [[nodiscard]] Capabilities capabilities() const override;
  [[nodiscard]] Availability availability() const override;
  Status validate(const ServiceSpec& spec) override { return kubernetes::check_spec(spec); }
  void declare(const std::map<std::string, SpecPtr>& services) override;
  Result<Observation> observe(const std::string& service) override;
  Result<std::vector<std::string>> list_owned() override;
  Status execute(const Action& action, const ActionContext& context) override;
  void on_change(std::function<void(const std::string&)> sink) override { listeners_.set(std::move(sink)); }
  void on_availability(const std::function<void()>& sink) override { listeners_.set(sink); }
  void on_note(const std::function<void(const RuntimeNote&)>& sink) override { listeners_.set(sink); }
  std::vector<ResourceUsage> usage(const std::vector<ObservedInstance>& instances) override;
  LogReader* logs() override { return &logs_; }

  void begin();

 private:
  [[nodiscard]] SpecPtr declared(const std::string& service) const;
  [[nodiscard]] std::set<std::string> wanted_namespaces(const Client& client) const;
  void open_views(Client& client);
  // Where the service is, or is to be; null: nowhere. An error: can't tell.
  Result<NamespaceView*> view_of(const std::string& service, const SpecPtr& spec);
  [[nodiscard]] std::vector<NamespaceView*> elsewhere(const std::string& service, const NamespaceView* here);
  Result<kubernetes::PodsOfService> pods_of(const std::string& service);
  std::map<int, kubernetes::ObjectPtr> assign(const std::string& service, const Seen& seen);
  Observation describe(const std::string& service, const SpecPtr& spec, const NamespaceView& view,
                       const Seen& seen);
  // What an apply doesn't change, since the cluster has its own mind about it: to try it again and again
  // helps nobody.
  void note_stubborn(const std::string& service, const SpecPtr& spec, NamespaceView& view);
  void leave_out_stubborn(const std::string& service, std::vector<std::string>& pending) const;
  Status act(const Action& action, const ActionContext& context);
  Status apply(const ApplyWorkload& action, const ActionContext& context);
  Status scale(const ScaleWorkload& action);
  Status revert(const RevertWorkload& action, const ActionContext& context);
  Status remove(const std::string& service, const NamespaceView* except);

  const Clock& clock_;
  const KubernetesRuntimeOptions options_;
  kubernetes::Namespaces namespaces_;
  Listeners listeners_;
  kubernetes::Ordinals ordinals_;
  kubernetes::ClusterLink link_;
  std::optional<kubernetes::PodUsage> usage_;
  kubernetes::Views views_;
  kubernetes::PodLogs logs_;
  std::atomic<bool> begun_ = false;

  mutable std::shared_mutex mutex_;
  std::map<std::string, SpecPtr> declared_;  // those that may run here
  std::map<std::string, std::set<std::string>> stubborn_;
};

// Of its pods, the first that says what is wrong.
std::string cause_of(const std::vector<ObservedInstance>& instances, const std::string& hash) {
  for (const auto& instance : instances) {
    if (instance.spec_hash == hash && !instance.message.empty() && instance.runtime_ready != true)
      return instance.message;
  }
  return {};
}

KubernetesRuntime::KubernetesRuntime(const Clock& clock, KubernetesRuntimeOptions options,
                                     kubernetes::MakeClient make_client)
    : clock_(clock),
      options_(std::move(options)),
      namespaces_(options_.state_file),
      link_(std::move(make_client), options_.link),
      views_(clock, options_.controller_name,
             {.on_change = [this](const std::string& service) { listeners_.changed(service); },
              .on_note = [this](const RuntimeNote& note) { listeners_.note(note); },
              .on_state =
                  [this] {
                    link_.suspect();
                    listeners_.availability_changed();
                  }}),
      logs_([this](const std::string& service) { return pods_of(service); }) {
  usage_.emplace(clock, std::string(kubernetes::kControllerLabel) + "=" + options_.controller_name,
                 options_.usage);
}

KubernetesRuntime::~KubernetesRuntime() {
  link_.stop();
  usage_.reset();
  views_.close_all();
}

// ---- what is wanted

void KubernetesRuntime::begin() {
  if (begun_.exchange(true)) return;
  link_.start({.on_client = [this](Client& client) { open_views(client); },
               .on_availability =
                   [this] {
                     listeners_.availability_changed();
                     std::set<std::string> names = views_.services();
                     {
                       const std::shared_lock lock(mutex_);
                       for (const auto& [name, spec] : declared_) names.insert(name);
                     }
                     for (const auto& name : names) listeners_.changed(name);
                   }});
}

std::set<std::string> KubernetesRuntime::wanted_namespaces(const Client& client) const {
  auto names = namespaces_.all();
  names.insert(client.default_namespace());
  const std::shared_lock lock(mutex_);
  for (const auto& [name, spec] : declared_)
    names.insert(kubernetes::namespace_of(*spec, client.default_namespace()));
  return names;
}

void KubernetesRuntime::open_views(Client& client) {
  for (const auto& name : wanted_namespaces(client)) views_.open(client, name);
}

void KubernetesRuntime::declare(const std::map<std::string, SpecPtr>& services) {
  std::map<std::string, SpecPtr> here;
  for (const auto& [name, spec] : services) {
    if (kubernetes::runs_in_kubernetes(*spec, options_.takes_auto)) here[name] = spec;
  }
  const bool wanted = !here.empty();
  {
    const std::unique_lock lock(mutex_);
    declared_ = std::move(here);
  }
  if (wanted) begin();
  if (const auto client = link_.client()) open_views(**client);
}

SpecPtr KubernetesRuntime::declared(const std::string& service) const {
  const std::shared_lock lock(mutex_);
  const auto found = declared_.find(service);
  return found == declared_.end() ? nullptr : found->second;
}

// ---- what is there

Result<NamespaceView*> KubernetesRuntime::view_of(const std::string& service, const SpecPtr& spec) {
  const auto client = link_.answering();
  if (!client) {
    if (!begun_) return nullptr;  // nothing was ever asked for here
    return fail(client.error());
  }
  if (spec) {
    auto& view = views_.open(**client, kubernetes::namespace_of(*spec, (*client)->default_namespace()));
    if (auto ready = view.ready(); !ready) return fail(ready.error());
    return &view;
  }
  for (auto* view : views_.all()) {
    // Where it may not look, nothing of its own can be.
    if (auto ready = view->ready(); !ready && ready.error().code != ErrorCode::kPermission)
      return fail(ready.error());
    if (!view->look(service).empty()) return view;
  }
  return nullptr;
}

std::vector<NamespaceView*> KubernetesRuntime::elsewhere(const std::string& service,
                                                         const NamespaceView* here) {
  std::vector<NamespaceView*> others;
  for (auto* view : views_.all()) {
    if (view == here || !view->ready()) continue;
    const auto seen = view->look(service);
    if (seen.deployment || seen.service) others.push_back(view);
  }
  return others;
}

std::map<int, kubernetes::ObjectPtr> KubernetesRuntime::assign(const std::string& service, const Seen& seen) {
  const auto replicas =
      seen.deployment ? seen.deployment->at("spec").at("replicas").as_int() : std::int64_t{0};
  return ordinals_.assign(service, seen.pods, static_cast<int>(replicas));
}

Observation KubernetesRuntime::describe(const std::string& service, const SpecPtr& spec,
                                        const NamespaceView& view, const Seen& seen) {
  Observation out;
  const kubernetes::Moment now{clock_.now(), clock_.wall()};
  for (const auto& [ordinal, pod] : assign(service, seen)) {
    const auto said = seen.news.find(pod->at("metadata").at("name").as_string());
    out.instances.push_back(kubernetes::look_at_pod(
        *pod, {service, ordinal}, said == seen.news.end() ? kubernetes::PodNews{} : said->second, now));
  }
  if (!seen.deployment) return out;
  const auto& hash = seen.deployment->at("metadata").at("annotations").at(kubernetes::kHashNote).as_string();
  out.workload = kubernetes::look_at_workload(
      {.deployment = seen.deployment,
       .service = seen.service,
       .services_seen = seen.services_seen,
       .scaler = seen.scaler,
       .declared = spec,
       .options = {.namespace_ = view.name(), .controller = options_.controller_name, .selector = {}}},
      cause_of(out.instances, hash));
  leave_out_stubborn(service, out.workload->pending);
  for (const auto* other : spec ? elsewhere(service, &view) : std::vector<NamespaceView*>{})
    out.workload->pending.push_back("namespace: " + view.name() + " is declared, it is in " + other->name() +
                                    " too");
  return out;
}

Result<Observation> KubernetesRuntime::observe(const std::string& service) {
  const auto spec = declared(service);
  const auto view = view_of(service, spec);
  if (!view) return fail(view.error());
  if (*view == nullptr) return Observation{};
  return describe(service, spec, **view, (*view)->look(service));
}

Result<std::vector<std::string>> KubernetesRuntime::list_owned() {
  if (!begun_) return std::vector<std::string>{};
  if (const auto client = link_.answering(); !client) return fail(client.error());
  for (const auto* view : views_.all()) {
    if (auto ready = view->ready(); !ready && ready.error().code != ErrorCode::kPermission)
      return fail(ready.error());
  }
  const auto names = views_.services();
  return std::vector<std::string>(names.begin(), names.end());
}

// ---- what is done

Status KubernetesRuntime::execute(const Action& action, const ActionContext& context) {
  auto done = act(action, context);
  if (!done && (done.error().code == ErrorCode::kUnavailable || done.error().code == ErrorCode::kTimeout))
    link_.suspect();
  return done;
}

Status KubernetesRuntime::act(const Action& action, const ActionContext& context) {
  if (const auto* apply_it = std::get_if<ApplyWorkload>(&action)) return apply(*apply_it, context);
  if (const auto* scale_it = std::get_if<ScaleWorkload>(&action)) return scale(*scale_it);
  if (const auto* revert_it = std::get_if<RevertWorkload>(&action)) return revert(*revert_it, context);
  if (const auto* delete_it = std::get_if<DeleteWorkload>(&action))
    return remove(delete_it->service, nullptr);
  return fail_terminal(ErrorCode::kInvalid, "Kubernetes keeps the instances of a service by itself: " +
                                                std::string(action_name(action)));
}

Status KubernetesRuntime::apply(const ApplyWorkload& action, const ActionContext& context) {
  if (!context.spec) return fail_terminal(ErrorCode::kInvalid, "cannot apply without a spec");
  if (auto checked = validate(*context.spec); !checked) return checked;
  begin();
  const auto view = view_of(action.service, context.spec);
  if (!view) return fail(view.error());
  if (*view == nullptr) return fail(ErrorCode::kUnavailable, "Kubernetes is being looked for");
  const auto client = link_.client();
  if (!client) return fail(client.error());
  namespaces_.add((*view)->name());  // before there is anything that would have to be found again
  if (auto done = kubernetes::WorkloadWriter(**client, **view, options_.controller_name)
                      .apply(context.spec, context.restart_nonce);
      !done)
    return done;
  note_stubborn(action.service, context.spec, **view);
  return remove(action.service, *view);  // it has moved
}

void KubernetesRuntime::note_stubborn(const std::string& service, const SpecPtr& spec, NamespaceView& view) {
  {
    const std::unique_lock lock(mutex_);
    stubborn_.erase(service);
  }
  const auto seen = describe(service, spec, view, view.look(service));
  if (!seen.workload || seen.workload->pending.empty()) return;
  for (const auto& text : seen.workload->pending)
    log::warning("the cluster keeps another value than was applied", {{"service", service}, {"field", text}});
  const std::unique_lock lock(mutex_);
  stubborn_[service].insert(seen.workload->pending.begin(), seen.workload->pending.end());
}

void KubernetesRuntime::leave_out_stubborn(const std::string& service,
                                           std::vector<std::string>& pending) const {
  const std::shared_lock lock(mutex_);
  const auto found = stubborn_.find(service);
  if (found == stubborn_.end()) return;
  std::erase_if(pending, [&](const std::string& text) { return found->second.contains(text); });
}

Status KubernetesRuntime::scale(const ScaleWorkload& action) {
  const auto view = view_of(action.service, declared(action.service));
  if (!view) return fail(view.error());
  const auto client = link_.client();
  if (*view == nullptr || !client) return {};
  return kubernetes::WorkloadWriter(**client, **view, options_.controller_name)
      .scale(action.service, action.replicas);
}

Status KubernetesRuntime::revert(const RevertWorkload& action, const ActionContext& context) {
  const auto spec = context.spec ? context.spec : declared(action.service);
  const auto view = view_of(action.service, spec);
  if (!view) return fail(view.error());
  const auto client = link_.client();
  if (*view == nullptr || !client)
    return fail_terminal(ErrorCode::kConflict, "service " + action.service + " isn't there");
  const auto seen = describe(action.service, spec, **view, (*view)->look(action.service));
  const bool stalled = seen.workload && !seen.workload->stalled.empty();
  return kubernetes::WorkloadWriter(**client, **view, options_.controller_name)
      .revert(action.service, context.restart_nonce, stalled ? seen.workload->stalled : action.reason);
}

// In all namespaces but one.
Status KubernetesRuntime::remove(const std::string& service, const NamespaceView* except) {
  const auto client = link_.answering();
  if (!client) return begun_ ? fail(client.error()) : Status{};
  for (auto* view : views_.all()) {
    if (view == except) continue;
    auto ready = view->ready();
    if (!ready && except == nullptr && ready.error().code != ErrorCode::kPermission) return ready;
    if (!ready) continue;
    if (auto gone = kubernetes::WorkloadWriter(**client, *view, options_.controller_name).remove(service);
        !gone)
      return gone;
  }
  return {};
}

// ---- beside the loop

Result<kubernetes::PodsOfService> KubernetesRuntime::pods_of(const std::string& service) {
  const auto view = view_of(service, declared(service));
  if (!view) return fail(view.error());
  kubernetes::PodsOfService out;
  const auto client = link_.client();
  if (*view == nullptr || !client) return out;
  out.client = *client;
  out.namespace_ = (*view)->name();
  out.pods = assign(service, (*view)->look(service));
  return out;
}

std::vector<ResourceUsage> KubernetesRuntime::usage(const std::vector<ObservedInstance>& instances) {
  std::vector<ResourceUsage> result(instances.size());
  const auto client = link_.client();
  if (!client) return result;
  for (size_t i = 0; i < instances.size(); ++i) {
    const auto spec = declared(instances[i].id.service);
    if (!spec || instances[i].name.empty()) continue;
    result[i] = usage_->of(**client, kubernetes::namespace_of(*spec, (*client)->default_namespace()),
                           instances[i].name);
  }
  return result;
}

Capabilities KubernetesRuntime::capabilities() const {
  Capabilities result;
  result.delegates_workload = true;
  for (const char* feature : {"replicas", "restarts", "probes", "user", "limits.cpu", "limits.memory", "logs",
                              "stats", "adoption", "treeKill"})
    result.features[feature] = Support::kNative;
  result.features["logs.follow"] = Support::kEmulated;
  result.features["limits.pids"] = result.features["exec"] = Support::kUnsupported;
  result.notes["restarts"] =
      "by the kubelet, always and with its own backoff; budget and backoff don't apply";
  result.features["probes.heartbeat"] = result.features["probes.notify"] = Support::kUnsupported;
  result.notes["probes"] = "by the kubelet, in whole seconds; another probe replaces the pods";
  result.notes["probes.heartbeat"] = result.notes["probes.notify"] = "no kubelet makes such checks";
  result.notes["limits.pids"] = "set for all pods of a node by its kubelet";
  result.notes["user"] = "by number";
  result.notes["logs"] = "stdout and stderr in one; those of a pod go with it";
  result.notes["stats"] = "where the cluster has metrics.k8s.io";
  result.notes["stop"] = "with the image's own stop signal: stop.signal isn't used";
  return result;
}

Availability KubernetesRuntime::availability() const {
  if (begun_) {
    auto now = link_.availability();
    for (const auto* view : views_.all()) {
      if (!now.available || !view->is_being_read()) continue;
      return {.known = false, .available = false, .message = "namespace " + view->name() + " is being read"};
    }
    return now;
  }
  return {
      .known = true, .available = false, .message = "not looked for: no service is declared to run in it"};
}

}  // namespace

std::unique_ptr<Runtime> make_kubernetes_runtime(const Clock& clock, KubernetesRuntimeOptions options,
                                                 kubernetes::MakeClient make_client) {
  const auto file = options.state_file;
  auto runtime = std::make_unique<KubernetesRuntime>(clock, std::move(options), std::move(make_client));
  // Something was applied before, by the controller before this one.
  if (!kubernetes::Namespaces(file).all().empty()) runtime->begin();
  return runtime;
}

}  // namespace holdfast
