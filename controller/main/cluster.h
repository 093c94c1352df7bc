// What a controller has beside the rest where several share their services in a Kubernetes cluster: a
// ConfigMap that all of them read and write, a Lease that tells which of them acts, Events that kubectl
// shows, and the cluster's own tokens.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/http/message.h"
#include "controller/base/clock.h"
#include "controller/config/config.h"
#include "controller/model/leadership.h"
#include "controller/reconciler/manager.h"
#include "controller/state/edits.h"
#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/inside/config_map.h"
#include "runtimes/kubernetes/inside/config_map_intents.h"
#include "runtimes/kubernetes/inside/event_recorder.h"
#include "runtimes/kubernetes/inside/lease.h"
#include "runtimes/kubernetes/inside/token_auth.h"

namespace holdfast {

// This controller itself runs in a pod.
bool runs_in_cluster();

struct ConfigMapName {
  std::string namespace_, name;
};
// "NAMESPACE/NAME", as --config-map has it; kInvalid.
Result<ConfigMapName> parse_config_map_name(const std::string& text);

// Made in order: join(), then stand(), then serve(). Not thread-safe, but for find_token().
class Cluster {
 public:
  // `config_map`: "NAMESPACE/NAME", followed from now on; empty: none. kInvalid, kTimeout and whatever keeps
  // it from being read. `changed` is called from any thread when others have changed it.
  static Result<std::unique_ptr<Cluster>> join(const Clock& clock, const std::string& config_map,
                                               std::function<void()> changed);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // ---- the ConfigMap; none of these without one
  [[nodiscard]] bool has_config_map() const { return map_ != nullptr; }
  [[nodiscard]] std::vector<config::LayerText> layers() const;
  std::unique_ptr<state::EditStore> edits();
  [[nodiscard]] SharedIntents* intents() { return intents_.get(); }
  // It was there, and somebody has deleted it: what it held stays in force.
  [[nodiscard]] bool lost_config_map();
  // Gives the manager what others have written.
  void bring_up_to_date(reconciler::Manager& manager);

  // ---- leadership
  // Prepares to stand for election; serve() begins. `address`: of the API, for the others.
  Status stand(const config::LeaderElection& election, const std::string& address);
  [[nodiscard]] Leadership* leadership() { return elector_.get(); }  // null: not asked for

  void serve(reconciler::Manager& manager);  // elections and Events begin
  void leave(reconciler::Manager& manager);  // once nothing acts any more; the next leader need not wait

  // Whose token of the cluster's it is, and what they may do. Thread-safe; blocks.
  Result<std::optional<http::Identity>> find_token(const std::string& token);

 private:
  Cluster(const Clock& clock, kubernetes::Access access);
  void tell_events(reconciler::Manager& manager);

  const Clock& clock_;
  const kubernetes::Access access_;
  const std::string namespace_, pod_;
  std::unique_ptr<kubernetes::Client> client_, election_client_;
  std::unique_ptr<kubernetes::SharedConfigMap> map_;
  std::unique_ptr<kubernetes::ConfigMapIntents> intents_;
  std::unique_ptr<kubernetes::LeaseElector> elector_;
  std::unique_ptr<kubernetes::EventRecorder> recorder_;
  std::unique_ptr<kubernetes::TokenAuth> auth_;
  std::uint64_t subscription_ = 0;
  bool had_map_ = false;
  std::string told_;  // of the intents
};

// "http://10.1.2.3:8010": how others reach an API that listens there, by the pod's address. Empty: unknown.
std::string advertised_address(const std::string& listen, bool tls);

}  // namespace holdfast
