// Runs services as Deployments of a Kubernetes cluster, which keeps replicas, restarts and probes by itself.
//
//   ClusterLink        the client, once a service wants it; whether the API server answers
//   NamespaceView      all that is Holdfast's in a namespace, by informers; what was just written included
//   manifest.h         a spec -> Deployment and Service; drift.h: how those in force differ
//   pod_sight.h, workload_sight.h    what they amount to, with the real cause
//   book.h             what is remembered of a workload, in annotations
//   WorkloadWriter     applies, scales, goes back, deletes
//
// A machine without Kubernetes pays nothing: nobody looks for a cluster until a service wants one.
#pragma once

#include <memory>
#include <string>

#include "controller/base/clock.h"
#include "runtimes/kubernetes/cluster_link.h"
#include "runtimes/kubernetes/pod_usage.h"
#include "runtimes/runtime.h"

namespace holdfast {

struct KubernetesRuntimeOptions {
  std::string controller_name = "holdfast";  // a label; two controllers in one namespace want two
  std::string state_file{};                  // where the namespaces that were used are kept; empty: nowhere
  bool takes_auto = false;  // services that leave the runtime to Holdfast run here (in a cluster)
  kubernetes::LinkOptions link{};
  kubernetes::UsageOptions usage{};
};

// `make_client` is called on a thread of the runtime's, again for as long as it fails; `clock` must outlive
// the runtime.
std::unique_ptr<Runtime> make_kubernetes_runtime(const Clock& clock, KubernetesRuntimeOptions options,
                                                 kubernetes::MakeClient make_client);

}  // namespace holdfast
