// All parts of a running controller, made in order and taken down in reverse.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "api/http/server.h"
#include "api/streaming/facade.h"
#include "cli/cli.h"
#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "controller/base/unique_fd.h"
#include "controller/config/file_watcher.h"
#include "controller/health/prober.h"
#include "controller/main/cluster.h"
#include "controller/main/forwarder.h"
#include "controller/reconciler/manager.h"
#include "controller/state/state_lock.h"
#include "controller/state/store.h"
#include "controller/telemetry/collectors.h"
#include "controller/telemetry/sampler.h"

namespace holdfast {

// SIGTERM and SIGINT end the loop, SIGHUP reads the configuration again.
class Signals {
 public:
  Signals(EventLoop& loop, std::function<void()> reload);
  ~Signals() { loop_.unwatch(watch_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  EventLoop& loop_;
  UniqueFd fd_;
  EventLoop::WatchId watch_ = 0;
};

class Application {
 public:
  explicit Application(cli::ServeOptions options) : options_(std::move(options)) {}
  Status build();
  Status listen();
  void run();

 private:
  Status open_state();
  Status join_cluster();
  Status make_runtimes();
  [[nodiscard]] Runtime* runtime_of(RuntimeKind kind) const;
  void make_prober();
  void make_telemetry();
  void make_manager();
  Status load_config();
  [[nodiscard]] std::vector<config::LayerText> all_layers(const config::LayerSet& files) const;
  void apply(const config::LayerSet& files);
  void config_map_changed();

  const cli::ServeOptions options_;
  SystemClock clock_;
  EventLoop loop_;
  std::function<void()> reload_ = [] {};
  Signals signals_{loop_, [this] { reload_(); }};
  std::optional<state::StateLock> lock_;
  std::unique_ptr<state::Store> store_;
  std::unique_ptr<state::EditStore> edits_;
  std::unique_ptr<config::WatchedLayers> layers_;
  std::vector<std::shared_ptr<const config::ParsedLayer>> read_;  // until the manager has them
  std::unique_ptr<Cluster> cluster_;                              // null: this controller is on its own
  std::vector<std::shared_ptr<Runtime>> runtimes_;
  std::unique_ptr<health::Prober> prober_;
  std::unique_ptr<telemetry::Collectors> collectors_;
  std::unique_ptr<telemetry::Sampler> sampler_;
  std::unique_ptr<reconciler::Manager> manager_;
  std::unique_ptr<streaming::Facade> facade_;
  Forwarder forwarder_;
  std::unique_ptr<http::Server> api_, metrics_;
};

}  // namespace holdfast
