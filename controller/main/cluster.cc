#include "controller/main/cluster.h"

#include <array>
#include <cstdlib>

#include <unistd.h>

#include "controller/base/log.h"
#include "runtimes/kubernetes/inside/config_map_edits.h"

namespace holdfast {

namespace {

constexpr auto kFirstRead = std::chrono::seconds{30};
constexpr auto kGoodbye = std::chrono::seconds{2};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "holdfast";
}

http::Role role_of(kubernetes::AccessLevel level) {
  switch (level) {
    case kubernetes::AccessLevel::kAdmin:
      return http::Role::kAdmin;
    case kubernetes::AccessLevel::kOperator:
      return http::Role::kOperator;
    case kubernetes::AccessLevel::kViewer:
      return http::Role::kViewer;
    case kubernetes::AccessLevel::kNone:
      break;
  }
  return http::Role::kNone;
}

}  // namespace

Result<ConfigMapName> parse_config_map_name(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == 0 || slash == std::string::npos || slash + 1 == text.size() ||
      text.find('/', slash + 1) != std::string::npos)
    return fail_terminal(ErrorCode::kInvalid, "'" + text + "' doesn't name a ConfigMap",
                         "write --config-map NAMESPACE/NAME");
  return ConfigMapName{text.substr(0, slash), text.substr(slash + 1)};
}

bool runs_in_cluster() {
  return !variable("KUBERNETES_SERVICE_HOST").empty() &&
         access("/var/run/secrets/kubernetes.io/serviceaccount/token", R_OK) == 0;
}

std::string advertised_address(const std::string& listen, bool tls) {
  auto host = variable("POD_IP");
  const auto colon = listen.rfind(':');
  if (host.empty() || listen.starts_with("unix:") || colon == std::string::npos) return "";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return (tls ? "https://" : "http://") + host + listen.substr(colon);
}

Cluster::Cluster(const Clock& clock, kubernetes::Access access)
    : clock_(clock),
      access_(std::move(access)),
      namespace_(variable("POD_NAMESPACE").empty() ? access_.default_namespace : variable("POD_NAMESPACE")),
      pod_(variable("POD_NAME")),
      client_(kubernetes::make_client(access_, clock)),
      auth_(std::make_unique<kubernetes::TokenAuth>(
          *client_, clock, kubernetes::TokenAuth::Options{.namespace_ = namespace_})) {}

Cluster::~Cluster() = default;

Result<std::unique_ptr<Cluster>> Cluster::join(const Clock& clock, const std::string& config_map,
                                               std::function<void()> changed) {
  auto access = kubernetes::access_from({});
  if (!access) return fail(access.error());
  std::unique_ptr<Cluster> cluster(new Cluster(clock, std::move(*access)));
  if (config_map.empty()) return cluster;
  const auto map = parse_config_map_name(config_map);
  if (!map) return fail(map.error());
  cluster->map_ = std::make_unique<kubernetes::SharedConfigMap>(*cluster->client_, clock, map->namespace_,
                                                                map->name, std::move(changed));
  if (auto read = cluster->map_->wait_synced(kFirstRead); !read) return fail(read.error());
  cluster->intents_ = std::make_unique<kubernetes::ConfigMapIntents>(*cluster->map_);
  return cluster;
}

std::vector<config::LayerText> Cluster::layers() const {
  std::vector<config::LayerText> layers;
  if (!map_) return layers;
  for (auto& layer : map_->layers())
    layers.push_back(
        {"configmap", map_->namespace_name() + "/" + map_->name() + "/" + layer.key, std::move(layer.text)});
  return layers;
}

bool Cluster::lost_config_map() {
  const bool there = map_ && map_->data()->object;
  return std::exchange(had_map_, had_map_ || there) && !there;
}

std::unique_ptr<state::EditStore> Cluster::edits() {
  return std::make_unique<kubernetes::ConfigMapEditStore>(*map_, clock_);
}

void Cluster::bring_up_to_date(reconciler::Manager& manager) {
  if (!map_) return;
  const auto view = intents_->view();
  if (view.problem && view.problem->message != told_)
    log::error("what operators asked for can't be read", {{"error", view.problem->message}});
  told_ = view.problem ? view.problem->message : "";
  manager.adopt_intents(view.intents);
}

Status Cluster::stand(const config::LeaderElection& election, const std::string& address) {
  if (!election.enabled) return {};
  const kubernetes::ElectionTimes times{.lease = election.lease_duration,
                                        .renew_deadline = election.renew_deadline,
                                        .retry = election.retry_period};
  if (auto good = kubernetes::check(times); !good) return good;
  election_client_ = kubernetes::make_client(access_, clock_, {.call = election.renew_deadline / 2});
  elector_ = std::make_unique<kubernetes::LeaseElector>(
      *election_client_, clock_, election.namespace_.empty() ? namespace_ : election.namespace_,
      kubernetes::Candidate{.lease = election.name,
                            .identity = kubernetes::unique_identity(pod_.empty() ? host_name() : pod_),
                            .address = address},
      times);
  return {};
}

void Cluster::serve(reconciler::Manager& manager) {
  if (elector_) elector_->start();
  tell_events(manager);
}

// Of a service the leader tells, of itself each controller.
void Cluster::tell_events(reconciler::Manager& manager) {
  if (pod_.empty()) return;
  using Object = kubernetes::EventObject;
  const auto locate = [this, &manager](const std::string& service) -> std::optional<Object> {
    if (service.empty()) return Object{"v1", "Pod", namespace_, pod_, {}};
    const auto status = manager.service(service);
    if (!status || !status->spec || status->runtime != RuntimeKind::kKubernetes) return std::nullopt;
    const auto& own = status->spec->kubernetes.namespace_;
    return Object{"apps/v1", "Deployment", own.empty() ? access_.default_namespace : own, service, {}};
  };
  recorder_ = std::make_unique<kubernetes::EventRecorder>(
      *client_, clock_, kubernetes::EventRecorder::Options{.instance = pod_, .locate = locate});
  // From now on; what is told first is the past.
  const auto subscribed = manager.subscribe(0, [this](const Update& update) {
    const bool ours = update.event && (update.event->service.empty() || !elector_ || elector_->leads());
    if (update.kind == "event" && ours) recorder_->record(*update.event);
  });
  subscription_ = subscribed.value_or(0);
}

void Cluster::leave(reconciler::Manager& manager) {
  if (elector_) {
    if (const auto given = elector_->resign(); !given)
      log::warning("the lease could not be given back; it expires by itself",
                   {{"error", given.error().message}});
  }
  if (!recorder_) return;
  manager.unsubscribe(subscription_);
  recorder_->flush(kGoodbye);
}

Result<std::optional<http::Identity>> Cluster::find_token(const std::string& token) {
  const auto identity = auth_->authenticate(token);
  if (identity) return http::Identity{identity->name, role_of(identity->level)};
  if (identity.error().code == ErrorCode::kPermission) return std::nullopt;
  return fail(identity.error());
}

}  // namespace holdfast
