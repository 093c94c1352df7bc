// The way to a cluster: made once a service wants it, looked at again when somebody has reason to doubt it.
//
//   (nobody asked) --start()--> no client ---> client, not answering <---> answering
//                                   ^  no kubeconfig: tried again now and then
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/runtime.h"

namespace holdfast::kubernetes {

using MakeClient = std::function<Result<std::unique_ptr<Client>>()>;

struct LinkOptions {
  Duration ping_timeout = std::chrono::seconds{5};
  Duration ping_interval = std::chrono::seconds{10};      // while it answers
  Duration first_retry = std::chrono::milliseconds{200};  // doubling up to max_retry while nobody answers
  Duration max_retry = std::chrono::seconds{15};
};
struct LinkHooks {
  std::function<void(Client&)> on_client{};  // once, before it is given to anybody else
  std::function<void()> on_availability{};
};

// Thread-safe. Hooks run on the link's thread.
class ClusterLink {
 public:
  ClusterLink(MakeClient make, LinkOptions options) : make_(std::move(make)), options_(options) {}
  ~ClusterLink() { stop(); }
  ClusterLink(const ClusterLink&) = delete;
  ClusterLink& operator=(const ClusterLink&) = delete;

  void start(LinkHooks hooks);  // once
  void stop();                  // no hook runs afterwards; the client stays
  void suspect();               // looks soon whether it still answers
  [[nodiscard]] Availability availability() const;
  [[nodiscard]] Result<Client*> client() const;  // an error: there is none, and why
  // The same, of a server that answers, as far as is known.
  [[nodiscard]] Result<Client*> answering() const;
  void destroy_client() { client_.reset(); }  // after stop()

 private:
  void run(const std::stop_token& stop);
  bool make();
  void check();
  Status reach_store();
  void enter(Availability now, const Error& error);

  const MakeClient make_;
  const LinkOptions options_;
  LinkHooks hooks_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::unique_ptr<Client> client_;
  Availability availability_{.known = false, .available = false, .message = "Kubernetes is being looked for"};
  Error error_{ErrorCode::kUnavailable, "Kubernetes is being looked for", {}, false, {}};
  bool suspected_ = false;
  std::jthread thread_;
};

}  // namespace holdfast::kubernetes
