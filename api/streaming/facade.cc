#include "api/streaming/facade.h"

#include <mutex>
#include <thread>
#include <utility>

#include "api/streaming/bodies.h"
#include "api/streaming/files.h"
#include "controller/base/event_loop.h"
#include "controller/base/log.h"

namespace holdfast::streaming {
namespace {

using http::Method;
using http::Request;
using http::Response;
using http::Role;

// The way onto the loop for threads that may outlive it: after close() what is posted is dropped.
class Gate {
 public:
  explicit Gate(EventLoop& loop) : loop_(&loop) {}
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (loop_) loop_->post(std::move(work));
  }
  void close() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  EventLoop* loop_;
};

Json defaults_of(const Environment& environment) {
  std::vector<std::string> problems;
  auto defaults = default_parameters(environment, &problems);
  for (const auto& problem : problems)
    log::warning("ignored an environment variable", {{"problem", problem}});
  return defaults;
}

// Says which of the two it is: not in the configuration, or not looked at yet.
Response no_service(const ConfigView& view, const std::string& service, const std::string& request_id) {
  if (is_declared(view, service)) {
    return http::problem(
        {ErrorCode::kUnavailable, "the service \"" + service + "\" has not been observed yet",
         "try again in a moment"},
        request_id);
  }
  return http::problem(
      {ErrorCode::kNotFound, "the service \"" + service + "\" is not declared",
       "declare services." + service + " in the configuration, or name another one in streaming.service"},
      request_id);
}

}  // namespace

class Facade::Impl {
 public:
  Impl(ControlPlane& control, const Clock& clock, const FacadeOptions& options)
      : control_(control),
        clock_(clock),
        cache_(defaults_of(options.environment)),
        gate_(std::make_shared<Gate>(loop_)),
        operations_(control, loop_, clock, cache_.defaults(), options.times) {
    operations_.set_poster([gate = gate_](std::function<void()> work) { gate->post(std::move(work)); });
    loop_.post([this, directory = options.state_dir] {
      if (!directory.empty())
        files_ = std::make_unique<FacadeFiles>(control_, loop_, directory, cache_.defaults());
      on_config();
    });
    thread_ = std::jthread([this] { loop_.run(); });
    subscription_ = control_.subscribe(0, [this, gate = gate_](const Update& update) {
      if (concerns_us(update)) gate->post([this, update] { on_update(update); });
    });
  }

  ~Impl() {
    if (subscription_) control_.unsubscribe(*subscription_);
    gate_->close();
    loop_.stop();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  using Render = std::string (*)(const Bodies&, const Clock&);
  Response get(const Request& request, Render render) {
    const auto view = control_.config();
    const auto service = facade_service(*view);
    const auto status = control_.service(service);
    if (!status || !status->spec) return no_service(*view, service, request.id);
    return {200, render(*cache_.get(view, status, service), clock_)};
  }

  void begin(Call call, const Request& request, std::shared_ptr<http::Responder> responder) {
    gate_->post([this, call, request, responder = std::move(responder)] {
      operations_.begin(call, request, responder);
    });
  }

 private:
  // On the publisher's thread, which may hold the publisher's locks: nothing is asked of the control plane.
  bool concerns_us(const Update& update) {
    if (update.kind == "config") return true;
    if (update.kind != "service" && update.kind != "service-removed") return false;
    const std::lock_guard lock(mutex_);
    return service_ == update.service;
  }

  void on_update(const Update& update) {
    if (update.kind == "config") return on_config();
    on_status(update.service);
  }

  void on_config() {
    const auto service = facade_service(*control_.config());
    {
      const std::lock_guard lock(mutex_);
      service_ = service;
    }
    if (files_) files_->on_config(service);
    on_status(service);
  }

  // Reads the newest status instead of the one that was sent: a queued one may be older than a command that
  // was given meanwhile.
  void on_status(const std::string& service) {
    const auto status = control_.service(service);
    if (files_ && service == facade_service(*control_.config())) files_->on_status(status);
    operations_.on_status(service, status);
  }

  ControlPlane& control_;
  const Clock& clock_;
  BodyCache cache_;
  EventLoop loop_;
  std::shared_ptr<Gate> gate_;
  Operations operations_;
  std::unique_ptr<FacadeFiles> files_;
  std::mutex mutex_;
  std::string service_;  // under mutex_
  std::optional<std::uint64_t> subscription_;
  std::jthread thread_;
};

Facade::Facade(ControlPlane& control, const Clock& clock, const FacadeOptions& options)
    : impl_(std::make_unique<Impl>(control, clock, options)) {}
Facade::~Facade() = default;

std::vector<http::Route> Facade::routes() {
  auto* impl = impl_.get();
  const auto get = [impl](const char* name, Impl::Render render) {
    return http::Route{
        Method::kGet, std::string("/api/streaming/") + name, Role::kViewer,
        http::Handler([impl, render](const Request& request) { return impl->get(request, render); })};
  };
  const auto post = [impl](const char* name, Call call, Role role = Role::kOperator) {
    return http::Route{Method::kPost, std::string("/api/streaming/") + name, role,
                       http::DeferredHandler(
                           [impl, call](const Request& request, std::shared_ptr<http::Responder> responder) {
                             impl->begin(call, request, std::move(responder));
                           })};
  };
  return {
      get("status", [](const Bodies& b, const Clock& clock) { return b.status.fill(b.uptime(clock)); }),
      get("health", [](const Bodies& b, const Clock& clock) { return b.health.fill(b.uptime(clock)); }),
      get("metrics", [](const Bodies& b, const Clock& clock) { return b.metrics.fill(b.uptime(clock)); }),
      get("config", [](const Bodies& b, const Clock&) { return b.config; }),
      post("config", Call::kConfig, Role::kAdmin),
      post("start", Call::kStart),
      post("stop", Call::kStop),
      post("restart", Call::kRestart),
  };
}

}  // namespace holdfast::streaming
