#include "runtimes/kubernetes/cluster_link.h"

#include <algorithm>
#include <utility>

#include "controller/base/log.h"

namespace holdfast::kubernetes {

void ClusterLink::start(LinkHooks hooks) {
  hooks_ = std::move(hooks);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void ClusterLink::stop() {
  thread_ = {};
}

void ClusterLink::suspect() {
  const std::lock_guard lock(mutex_);
  suspected_ = true;
  wake_.notify_all();
}

Availability ClusterLink::availability() const {
  const std::lock_guard lock(mutex_);
  return availability_;
}

Result<Client*> ClusterLink::client() const {
  const std::lock_guard lock(mutex_);
  if (!client_) return fail(error_);
  return client_.get();
}

Result<Client*> ClusterLink::answering() const {
  const std::lock_guard lock(mutex_);
  if (!client_ || (availability_.known && !availability_.available)) return fail(error_);
  return client_.get();
}

void ClusterLink::run(const std::stop_token& stop) {
  auto retry = options_.first_retry;
  while (!stop.stop_requested()) {
    {
      const std::lock_guard lock(mutex_);
      suspected_ = false;
    }
    if (client_ || make()) check();
    std::unique_lock lock(mutex_);
    if (availability_.available) {
      retry = options_.first_retry;
      wake_.wait_for(lock, stop, options_.ping_interval, [this] { return suspected_; });
      continue;
    }
    // In its own time: everything that waits for an answer would suspect it at once.
    wake_.wait_for(lock, stop, retry, [] { return false; });
    retry = std::min(retry * 2, options_.max_retry);
  }
}

bool ClusterLink::make() {
  auto made = make_();
  if (!made) {
    const auto& error = made.error();
    enter({.known = true,
           .available = false,
           .message = error.message + (error.hint.empty() ? "" : " (" + error.hint + ")")},
          error);
    return false;
  }
  Client& client = **made;
  {
    const std::lock_guard lock(mutex_);
    client_ = std::move(*made);
  }
  hooks_.on_client(client);
  return true;
}

// An API server without its etcd still tells its version and keeps its watches open, but knows nothing new.
Status ClusterLink::reach_store() {
  const auto found = client_->get(kDeployments, client_->default_namespace(), "holdfast");
  const bool answered = found || found.error().code == ErrorCode::kPermission ||
                        found.error().code == ErrorCode::kNotFound ||
                        found.error().code == ErrorCode::kInvalid;
  return answered ? Status{} : fail(found.error());
}

void ClusterLink::check() {
  auto version = client_->version(options_.ping_timeout);
  if (const auto store = version ? reach_store() : Status{}; !store) version = fail(store.error());
  if (version)
    return enter({.known = true,
                  .available = true,
                  .message = "Kubernetes " + *version + " at " + client_->server() + ", namespace " +
                             client_->default_namespace()},
                 {});
  const auto& error = version.error();
  enter({.known = true,
         .available = false,
         .message = error.message + (error.hint.empty() ? "" : " (" + error.hint + ")")},
        error);
}

void ClusterLink::enter(Availability now, const Error& error) {
  bool moved = false, changed = false;
  {
    const std::lock_guard lock(mutex_);
    moved = !availability_.known || availability_.available != now.available;
    changed = moved || availability_.message != now.message;
    availability_ = now;
    error_ = error;
  }
  if (moved)
    log::info(now.available ? "Kubernetes answers" : "Kubernetes doesn't answer",
              {{"kubernetes", now.message}});
  if (changed && hooks_.on_availability) hooks_.on_availability();
}

}  // namespace holdfast::kubernetes
