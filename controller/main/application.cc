#include "controller/main/application.h"

#include <filesystem>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "controller/main/listeners.h"
#include "controller/main/runtimes.h"
#include "controller/main/version.h"

namespace holdfast {

using reconciler::Manager;

namespace {

// Beside this program, unless told otherwise.
std::string shim_path(const cli::ServeOptions& options) {
  if (!options.runtime_shim.empty()) return options.runtime_shim;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / "holdfast-shim").string();
}

}  // namespace

Signals::Signals(EventLoop& loop, std::function<void()> reload) : loop_(loop) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before any thread is made: all inherit it
  fd_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  watch_ = loop_.watch(fd_.get(), EPOLLIN, [this, reload = std::move(reload)](std::uint32_t) {
    signalfd_siginfo info{};
    while (read(fd_.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGHUP)
        reload();
      else
        loop_.stop();
    }
  });
}

Status Application::open_state() {
  if (auto made = make_directories(options_.state_dir); !made) {
    made.error().hint = "choose a directory that this user may write: --state-dir DIR";
    return made;
  }
  auto lock = state::StateLock::acquire(options_.state_dir);
  if (!lock) return fail(lock.error());
  lock_ = std::move(*lock);
  auto store = state::Store::open(options_.state_dir, clock_);
  if (!store) return fail(store.error());
  store_ = std::move(*store);
  if (cluster_ && cluster_->has_config_map()) {
    edits_ = cluster_->edits();
  } else {
    auto edits = state::EditStore::open(options_.state_dir, clock_);
    if (!edits) return fail(edits.error());
    edits_ = std::move(*edits);
  }
  for (const auto& sentence : store_->quarantined()) log::error(sentence);
  for (const auto& sentence : edits_->quarantined()) log::error(sentence);
  return {};
}

// What the configuration says of leadership and callers must be known before the parts that need it are made;
// whether the whole of it is good is found out later.
Status Application::join_cluster() {
  config::ControllerSettings settings;
  const auto read_settings = [&] {
    auto loaded = config::load(all_layers(layers_->current()));
    if (!loaded.document) return;
    settings = loaded.document->controller;
    read_ = std::move(loaded.document->parsed);
  };
  const bool has_map = !options_.config_map.empty();  // a layer of its own
  if (!has_map) {
    read_settings();
    if (!settings.leader_election.enabled && !settings.auth_kubernetes) return {};
  }
  auto cluster =
      Cluster::join(clock_, options_.config_map, [this] { loop_.post([this] { config_map_changed(); }); });
  if (!cluster) return fail(cluster.error());
  cluster_ = std::move(*cluster);
  if (has_map) read_settings();
  return cluster_->stand(settings.leader_election, advertised_address(api_listen_address(options_, settings),
                                                                      !settings.tls_cert_file.empty()));
}

Status Application::make_runtimes() {
  const auto& map = options_.config_map;
  auto runtimes =
      holdfast::make_runtimes(loop_, clock_,
                              {.state_dir = options_.state_dir,
                               .shim_path = shim_path(options_),
                               .controller_name = map.empty() ? std::string() : map.substr(map.find('/') + 1),
                               .in_cluster = runs_in_cluster()});
  if (!runtimes) return fail(runtimes.error());
  runtimes_ = std::move(*runtimes);
  return {};
}

Runtime* Application::runtime_of(RuntimeKind kind) const {
  for (const auto& runtime : runtimes_) {
    if (runtime->kind() == kind) return runtime.get();
  }
  return nullptr;
}

void Application::make_prober() {
  prober_ = health::Prober::create(
      loop_, clock_,
      [this](const ServiceSpec& spec, const InstanceId& id, const std::vector<std::string>& argv,
             Duration timeout) -> Result<int> {
        auto* runtime = manager_->runtime_of(spec.name);
        auto* exec = runtime ? runtime->exec() : nullptr;
        if (!exec) return fail(ErrorCode::kUnavailable, "this runtime can't run commands beside an instance");
        const auto result = exec->run(id, argv, timeout);
        if (!result) return fail(result.error());
        return result->exit_code;
      });
}

void Application::make_telemetry() {
  sampler_ = std::make_unique<telemetry::Sampler>(
      clock_, [this] { return manager_->services(); },
      [this](RuntimeKind kind, const std::vector<ObservedInstance>& instances) {
        auto* runtime = runtime_of(kind);
        return runtime ? runtime->usage(instances) : std::vector<ResourceUsage>{};
      });
  sampler_->on_change([this](const std::string& service) { manager_->sampled(service); });
  collectors_ = telemetry::Collectors::create(clock_, {.state_dir = options_.state_dir});
  collectors_->on_change([this](const std::string& service) { manager_->collected(service); });
}

void Application::make_manager() {
  make_prober();
  make_telemetry();
  manager_ = std::make_unique<Manager>(
      Manager::Parts{
          .loop = loop_,
          .clock = clock_,
          .store = std::move(store_),
          .edits = std::move(edits_),
          .runtimes = runtimes_,
          .prober = prober_.get(),
          .usage = [this](const ObservedInstance& instance) { return sampler_->usage(instance); },
          .collected = [this](const std::string& service) { return collectors_->values(service); },
          .on_config = [this](const config::Document& document) { collectors_->follow(document.services); },
          .read = std::move(read_),
          .in_cluster = runs_in_cluster(),
          .leadership = cluster_ ? cluster_->leadership() : nullptr,
          .shared_intents = cluster_ ? cluster_->intents() : nullptr},
      reconciler::ManagerOptions{.state_dir = options_.state_dir});
}

std::vector<config::LayerText> Application::all_layers(const config::LayerSet& files) const {
  auto layers = files.layers;
  if (!cluster_) return layers;
  auto shared = cluster_->layers();
  layers.insert(layers.end(), std::make_move_iterator(shared.begin()), std::make_move_iterator(shared.end()));
  return layers;
}

Status Application::load_config() {
  if (cluster_) {
    cluster_->bring_up_to_date(*manager_);
    static_cast<void>(cluster_->lost_config_map());  // from now on it would be
  }
  const auto files = layers_->current();
  auto errors = files.problems;
  if (errors.empty()) errors = manager_->reload(all_layers(files));
  if (!errors.empty()) {
    auto error = config::to_error(errors);
    error.message = "the configuration is invalid, nothing was started";
    error.hint = "correct it and check it with: holdfast validate " + options_.config;
    return fail(error);
  }
  reload_ = [this] { layers_->check(); };
  return {};
}

void Application::apply(const config::LayerSet& files) {
  if (!manager_) return;                                // still being made: it reads them itself
  if (cluster_ && cluster_->lost_config_map()) return;  // a part of the whole is missing
  if (files.problems.empty())
    manager_->reload(all_layers(files));
  else
    manager_->refuse(files.problems);
}

void Application::config_map_changed() {
  if (!manager_) return;
  if (cluster_->lost_config_map()) {
    ConfigError lost{.path = {},
                     .value = {},
                     .message = "the ConfigMap was deleted; what it held stays in force",
                     .origin = {}};
    lost.origin.layer = "configmap";
    lost.origin.file = options_.config_map;
    return manager_->refuse({lost});
  }
  cluster_->bring_up_to_date(*manager_);
  apply(layers_->current());
}

Status Application::build() {
  layers_ =
      std::make_unique<config::WatchedLayers>(loop_, config::LayerSources{options_.config, options_.overlays},
                                              [this](const config::LayerSet& files) { apply(files); });
  if (auto status = join_cluster(); !status) return status;
  if (auto status = open_state(); !status) return status;
  if (auto status = make_runtimes(); !status) return status;
  make_manager();
  return load_config();
}

Status Application::listen() {
  const auto settings = manager_->document()->controller;
  facade_ = std::make_unique<streaming::Facade>(
      *manager_, clock_,
      streaming::FacadeOptions{.state_dir = options_.facade_state_dir.empty() ? options_.state_dir
                                                                              : options_.facade_state_dir});
  ListenerParts parts{.options = options_,
                      .settings = settings,
                      .clock = clock_,
                      .manager = *manager_,
                      .leadership = cluster_ ? cluster_->leadership() : nullptr,
                      .forwarder = &forwarder_};
  if (cluster_ && settings.auth_kubernetes)
    parts.find_token = [this](const std::string& token) { return cluster_->find_token(token); };
  auto api = serve_api(parts, facade_->routes());
  if (!api) return fail(api.error());
  api_ = std::move(*api);
  auto metrics = serve_metrics(parts);
  if (!metrics) return fail(metrics.error());
  metrics_ = std::move(*metrics);
  return {};
}

void Application::run() {
  sampler_->start();
  manager_->start(manager_->document()->controller.workers);
  if (cluster_) cluster_->serve(*manager_);
  log::info("holdfast supervises",
            {{"services", static_cast<std::int64_t>(manager_->document()->services.size())},
             {"state", options_.state_dir},
             {"version", kVersion}});
  loop_.run();
  log::info("holdfast ends; services go on running");
  api_->stop(std::chrono::seconds{5});
  metrics_->stop(std::chrono::seconds{1});
  sampler_->stop();
  manager_->stop();
  if (cluster_) cluster_->leave(*manager_);
}

}  // namespace holdfast
