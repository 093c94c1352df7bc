#include "controller/main/serve.h"

#include <filesystem>
#include <iostream>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "api/auth/authenticator.h"
#include "api/docs/routes.h"
#include "api/http/server.h"
#include "api/metrics/metrics.h"
#include "api/streaming/facade.h"
#include "api/v1/routes.h"
#include "controller/base/file.h"
#include "controller/base/log.h"
#include "controller/config/file_watcher.h"
#include "controller/health/prober.h"
#include "controller/main/version.h"
#include "controller/reconciler/manager.h"
#include "controller/state/state_lock.h"
#include "controller/state/store.h"
#include "controller/telemetry/collectors.h"
#include "controller/telemetry/sampler.h"
#include "runtimes/docker/cli/cli_client.h"
#include "runtimes/docker/docker_runtime.h"
#include "runtimes/docker/engine/engine_client.h"
#include "runtimes/process/process_runtime.h"

namespace holdfast {

namespace {

using reconciler::Manager;

int refuse(const Error& error) {
  std::cerr << "holdfast: " << error.message << '\n';
  for (const auto& detail : error.details) {
    std::cerr << "  " << (detail.origin.empty() ? "" : detail.origin + ": ")
              << (detail.path.empty() ? "" : detail.path + ": ") << detail.message << '\n';
  }
  if (!error.hint.empty()) std::cerr << "  " << error.hint << '\n';
  return 1;
}

// Beside this program, unless told otherwise.
std::string shim_path(const cli::ServeOptions& options) {
  if (!options.runtime_shim.empty()) return options.runtime_shim;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / "holdfast-shim").string();
}

// SIGTERM and SIGINT end the loop, SIGHUP reads the configuration again.
class Signals {
 public:
  Signals(EventLoop& loop, std::function<void()> reload) : loop_(loop) {
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
  ~Signals() { loop_.unwatch(watch_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  EventLoop& loop_;
  UniqueFd fd_;
  EventLoop::WatchId watch_ = 0;
};

// All parts, in the order in which they are made. Members are destroyed in reverse.
class Application {
 public:
  explicit Application(const cli::ServeOptions& options) : options_(options) {}
  // Whoever calls the manager from a thread of its own ends before the manager does.
  ~Application() {
    api_.reset();
    metrics_.reset();
    facade_.reset();
    if (manager_) manager_->stop();
    sampler_.reset();
    collectors_.reset();
    prober_.reset();
  }
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  Status build();
  Status listen();
  void run();

 private:
  Status open_state();
  Status make_runtimes();
  [[nodiscard]] Runtime* runtime_of(RuntimeKind kind) const;
  void make_manager();
  Status load_config();
  Status serve_api(const config::ControllerSettings& settings);
  Status serve_metrics(const config::ControllerSettings& settings);
  void apply(const config::LayerSet& layers);

  const cli::ServeOptions options_;
  SystemClock clock_;
  EventLoop loop_;
  std::function<void()> reload_ = [] {};
  Signals signals_{loop_, [this] { reload_(); }};
  std::optional<state::StateLock> lock_;
  std::unique_ptr<state::Store> store_;
  std::unique_ptr<state::EditStore> edits_;
  std::vector<std::shared_ptr<Runtime>> runtimes_;
  std::unique_ptr<health::Prober> prober_;
  std::unique_ptr<telemetry::Collectors> collectors_;
  std::unique_ptr<telemetry::Sampler> sampler_;
  std::unique_ptr<Manager> manager_;
  std::unique_ptr<streaming::Facade> facade_;
  std::unique_ptr<config::WatchedLayers> layers_;
  std::unique_ptr<http::Server> api_, metrics_;
};

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
  auto edits = state::EditStore::open(options_.state_dir, clock_);
  if (!edits) return fail(edits.error());
  edits_ = std::move(*edits);
  for (const auto& sentence : store_->quarantined()) log::error(sentence);
  for (const auto& sentence : edits_->quarantined()) log::error(sentence);
  return {};
}

Status Application::make_runtimes() {
  auto process = make_process_runtime(loop_, clock_,
                                      {.state_dir = options_.state_dir, .shim_path = shim_path(options_)});
  if (!process) return fail(process.error());
  runtimes_.emplace_back(std::move(*process));
  DockerRuntimeOptions options{.state_dir = options_.state_dir};
  std::unique_ptr<docker::Client> engine;
  if (auto endpoint = docker::endpoint_from_environment())
    engine = docker::make_engine_client(std::move(*endpoint), clock_);
  else
    options.link.no_engine = endpoint.error();  // the docker command may know the way
  auto docker =
      make_docker_runtime(clock_, std::move(options), std::move(engine), docker::make_cli_client({}, clock_));
  if (!docker) return fail(docker.error());
  runtimes_.emplace_back(std::move(*docker));
  return {};
}

Runtime* Application::runtime_of(RuntimeKind kind) const {
  for (const auto& runtime : runtimes_) {
    if (runtime->kind() == kind) return runtime.get();
  }
  return nullptr;
}

void Application::make_manager() {
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
  sampler_ = std::make_unique<telemetry::Sampler>(
      clock_, [this] { return manager_->services(); },
      [this](RuntimeKind kind, const std::vector<ObservedInstance>& instances) {
        auto* runtime = runtime_of(kind);
        return runtime ? runtime->usage(instances) : std::vector<ResourceUsage>{};
      });
  sampler_->on_change([this](const std::string& service) { manager_->sampled(service); });
  collectors_ = telemetry::Collectors::create(clock_, {.state_dir = options_.state_dir});
  collectors_->on_change([this](const std::string& service) { manager_->collected(service); });
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
          .on_config = [this](const config::Document& document) { collectors_->follow(document.services); }},
      reconciler::ManagerOptions{.state_dir = options_.state_dir});
}

Status Application::load_config() {
  config::LayerSources sources{options_.config, options_.overlays};
  layers_ = std::make_unique<config::WatchedLayers>(
      loop_, sources, [this](const config::LayerSet& layers) { apply(layers); });
  const auto layers = layers_->current();
  auto errors = layers.problems;
  if (errors.empty()) errors = manager_->reload(layers.layers);
  if (!errors.empty()) {
    auto error = config::to_error(errors);
    error.message = "the configuration is invalid, nothing was started";
    error.hint = "correct it and check it with: holdfast validate " + options_.config;
    return fail(error);
  }
  reload_ = [this] { layers_->check(); };
  return {};
}

void Application::apply(const config::LayerSet& layers) {
  if (layers.problems.empty())
    manager_->reload(layers.layers);
  else
    manager_->refuse(layers.problems);
}

Status Application::build() {
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
  if (auto status = serve_api(settings); !status) return status;
  return serve_metrics(settings);
}

Status Application::serve_api(const config::ControllerSettings& settings) {
  http::Options http;
  http.listen = options_.listen.value_or(settings.listen);
  http.allowed_hosts = settings.allowed_hosts;
  if (!settings.tls_cert_file.empty())
    http.tls = http::TlsFiles{settings.tls_cert_file, settings.tls_key_file};
  if (auto exposed = auth::check_exposure(http.listen, !settings.auth_tokens_file.empty(), options_.insecure);
      !exposed)
    return exposed;
  if (!settings.auth_tokens_file.empty()) {
    auto tokens = auth::TokenFile::open(settings.auth_tokens_file);
    if (!tokens) return fail(tokens.error());
    http.authenticate = auth::bearer_authenticator(std::move(*tokens), clock_);
  }
  http.audit = [this](const http::Request& request, const http::Response& response) {
    manager_->audit(api::audit_record(request, response, clock_.wall()));
  };
  auto routes = api::routes(*manager_, clock_, {.version = kVersion, .commit = kCommit});
  for (auto more : {facade_->routes(), docs::routes()}) routes.insert(routes.end(), more.begin(), more.end());
  auto server = http::Server::start(std::move(http), std::move(routes));
  if (!server) return fail(server.error());
  api_ = std::move(*server);
  log::info("the API is served", {{"address", api_->address()}});
  return {};
}

Status Application::serve_metrics(const config::ControllerSettings& settings) {
  http::Options http;
  http.listen = options_.metrics_listen.value_or(settings.metrics_listen);
  http.allowed_hosts = settings.allowed_hosts;
  http.threads = 1;
  if (auto exposed = auth::check_exposure(http.listen, false, options_.insecure); !exposed) return exposed;
  auto server = http::Server::start(std::move(http),
                                    metrics::routes(*manager_, {.version = kVersion, .revision = kCommit}));
  if (!server) return fail(server.error());
  metrics_ = std::move(*server);
  log::info("metrics are served", {{"address", metrics_->address()}});
  return {};
}

void Application::run() {
  sampler_->start();
  manager_->start(manager_->document()->controller.workers);
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
}

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::kDebug;
  if (name == "warning") return log::Level::kWarning;
  return name == "error" ? log::Level::kError : log::Level::kInfo;
}

// Paths are told to programs with working directories of their own.
cli::ServeOptions with_absolute_paths(cli::ServeOptions options) {
  const auto absolute = [](std::string& path) {
    if (!path.empty()) path = std::filesystem::absolute(path).lexically_normal().string();
  };
  absolute(options.config);
  absolute(options.state_dir);
  absolute(options.facade_state_dir);
  for (auto& overlay : options.overlays) absolute(overlay);
  return options;
}

}  // namespace

int serve(const cli::ServeOptions& options) {
  try {
    log::configure(level_of(options.log_level),
                   options.log_format == "json" ? log::Format::kJson : log::Format::kText);
    if (!options.config_map.empty()) {
      return refuse({ErrorCode::kUnavailable,
                     "--config-map needs the Kubernetes runtime, which this build does not have",
                     "mount the ConfigMap and name its directory with --overlay",
                     true,
                     {}});
    }
    Application application(with_absolute_paths(options));
    if (const auto built = application.build(); !built) return refuse(built.error());
    if (const auto listening = application.listen(); !listening) return refuse(listening.error());
    application.run();
    return 0;
  } catch (const std::exception& e) {
    return refuse({ErrorCode::kInternal, e.what(), "", false, {}});
  }
}

}  // namespace holdfast
