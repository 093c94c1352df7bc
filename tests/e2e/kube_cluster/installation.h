// A controller in a cluster.
#pragma once

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "controller/base/json.h"
#include "tests/e2e/kube_cluster/port_forward.h"

namespace holdfast::test {

using Values = std::vector<std::string>;  // "replicas=3", as for --set

std::string source(const std::string& path);  // below the source tree

// A namespace of the test's own, on a node that has the image as "holdfast:latest".
class Installation : public testing::Test {
 protected:
  void SetUp() override;

  // In the namespace, with the release's name, the chart, the image, the one service `web` and those values.
  [[nodiscard]] Finished helm_with(const std::vector<std::string>& command, const Values& values) const;
  [[nodiscard]] Finished helm(const std::vector<std::string>& arguments) const;  // in the namespace
  void install(const Values& values) const;                                      // and waits
  [[nodiscard]] std::string token() const;  // the one that the chart made
  [[nodiscard]] std::string docker(const std::vector<std::string>& arguments) const;  // of the node

  [[nodiscard]] std::vector<std::string> names(const std::string& kind, const std::string& selector) const;
  [[nodiscard]] std::vector<std::string> controllers() const;  // pods that are not about to go
  [[nodiscard]] std::vector<std::string> pods_of_web() const;  // the same
  [[nodiscard]] std::string holder() const;                    // of the Lease: who leads
  [[nodiscard]] static std::string pod_of(const std::string& holder);
  [[nodiscard]] std::string follower() const;  // a pod that runs and doesn't lead
  // A key of the ConfigMap that the controller watches.
  void declare(const std::string& yaml) const;
  void expect_pods_of_web(size_t count, const std::string& why) const;  // in time
  [[nodiscard]] std::string told() const;  // by the controllers, for a test that fails

  const KubeWorld world_;
};

}  // namespace holdfast::test
