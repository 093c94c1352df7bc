// A Kubernetes runtime over a real cluster, in a namespace of its own; replaceable, as a controller is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/kubernetes_runtime.h"
#include "tests/support/heard.h"
#include "tests/support/kube_world/kube_world.h"
#include "tests/support/support.h"

namespace holdfast::test {

class KubeBench {
 public:
  explicit KubeBench(const std::string& user = "admin");
  // Over another cluster; there is no world() then.
  KubeBench(std::string kubeconfig, std::string in_namespace);
  ~KubeBench();
  KubeBench(const KubeBench&) = delete;
  KubeBench& operator=(const KubeBench&) = delete;

  [[nodiscard]] KubeWorld& world() { return *world_; }
  [[nodiscard]] Runtime& runtime() { return *runtime_; }
  // Nothing but the cluster and the state file remains.
  void replace_adapter();
  // Of the next adapter.
  void use_kubeconfig(std::string path) { kubeconfig_ = std::move(path); }
  KubernetesRuntimeOptions options{};

  ServiceSpec spec(const std::string& name,
                   std::vector<std::string> argv = {"test-service", "exit-on", "15", "0", "pause"}) const;
  SpecPtr declare(ServiceSpec spec);
  void undeclare(const std::string& name);
  // declare() and ApplyWorkload.
  Status apply(const ServiceSpec& spec, std::uint64_t nonce = 0);
  Status scale(const std::string& name, int replicas);
  Status revert(const std::string& name, std::uint64_t nonce = 0);
  Status remove(const std::string& name);
  // An error counts as nothing seen.
  Observation see(const std::string& name);
  std::optional<ObservedWorkload> workload(const std::string& name) { return see(name).workload; }
  // Waits until all instances of the newest spec run and are ready, and no others are left.
  bool settles(const std::string& name, int replicas = 1);
  // Waits until an instance or the workload says it.
  bool says(const std::string& name, const std::string& text);
  [[nodiscard]] std::string last_words(const std::string& name);  // of all instances, for messages of tests

  bool told(const std::string& service) { return heard_.told(service); }
  std::vector<RuntimeNote> notes() { return heard_.notes(); }
  void forget() { heard_.forget(); }

 private:
  void make_adapter();

  std::optional<KubeWorld> world_;
  std::string kubeconfig_, namespace_;
  TempDir directory_;
  SystemClock clock_;
  std::map<std::string, SpecPtr> declared_;
  Heard heard_;
  std::unique_ptr<Runtime> runtime_;
};

}  // namespace holdfast::test
