// What pods use, where the cluster measures it (metrics.k8s.io): read in the background, and only while
// somebody asks.
// Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "controller/base/clock.h"
#include "controller/model/status.h"
#include "runtimes/kubernetes/client/client.h"

namespace holdfast::kubernetes {

struct UsageOptions {
  Duration interval = std::chrono::seconds{15};        // of the measurements in most clusters
  Duration without_metrics = std::chrono::minutes{5};  // until it is asked again whether there are any
};

ResourceUsage usage_of(const Json& pod_metrics);  // all containers of the pod together

// Thread-safe.
class PodUsage {
 public:
  PodUsage(const Clock& clock, std::string selector, UsageOptions options);
  // The newest that is known; empty: not known (yet). Never blocks.
  ResourceUsage of(Client& client, const std::string& namespace_, const std::string& pod);

 private:
  struct Figures {
    std::map<std::string, ResourceUsage> pods{};
    std::optional<MonoTime> read_at{};
    Duration keep{};
    bool asked = false;
  };
  void run(const std::stop_token& stop);
  void read(Client& client, const std::string& namespace_, const std::stop_token& stop);

  const Clock& clock_;
  const std::string selector_;
  const UsageOptions options_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, Figures> by_namespace_;
  Client* client_ = nullptr;
  std::jthread thread_;
};

}  // namespace holdfast::kubernetes
