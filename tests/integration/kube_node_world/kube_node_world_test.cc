#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kube_world/kube_world.h"
#include "tests/support/support.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;

std::string deployment(const std::string& image) {
  return R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: greeter}
spec:
  replicas: 2
  selector: {matchLabels: {app: greeter}}
  template:
    metadata: {labels: {app: greeter}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - {name: main, imagePullPolicy: IfNotPresent, args: [test-service, print, hello, exit-on, "15", "0", pause], image: ")" +
         image + "\"}\n";
}

TEST(KubeNode, RunsADeployment) {
  const KubeWorld world;
  world.kubectl_ok({"apply", "-f", "-"}, deployment(world.image()));
  world.kubectl_ok({"rollout", "status", "deployment/greeter", "--timeout=60s"});
  EXPECT_THAT(world.kubectl_ok({"logs", "deployment/greeter"}), testing::EndsWith("hello"));
  EXPECT_EQ(world.kubectl_ok({"exec", "deployment/greeter", "--", "test-service", "print", "too"}), "too");
  world.kubectl_ok({"delete", "deployment", "greeter", "--wait=false"});
  EXPECT_TRUE(wait_until(
      [&] { return world.kubectl_ok({"get", "pods"}).find("No resources found") != std::string::npos; }));
}

TEST(KubeNode, ServesItsServices) {
  const KubeWorld world;
  const auto netns = world.cluster().directory() + "/netns";
  if (!std::filesystem::exists(netns)) GTEST_SKIP() << "a cluster whose network is elsewhere";
  world.kubectl_ok({"run", "web", "--image", world.image(), "--image-pull-policy=IfNotPresent", "--port=80",
                    "--expose", "--", "sh", "-c",
                    "echo served > /tmp/index.html; exec httpd -f -p 80 -h /tmp"});
  const auto address = world.kubectl_ok({"get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"});
  EXPECT_TRUE(wait_until([&] {
    return run_program({"nsenter", "--net=" + netns, "curl", "-s", "--max-time", "5", "--noproxy", "*",
                        "http://" + address + "/"})
               .output == "served\n";
  }));
}

TEST(KubeNode, MeasuresPods) {
  const KubeWorld world;
  world.kubectl_ok({"run", "busy", "--image", world.image(), "--image-pull-policy=IfNotPresent"});
  world.kubectl_ok({"wait", "--for=condition=Ready", "pod/busy", "--timeout=60s"});
  const auto node = world.kubectl_ok({"get", "pod", "busy", "-o", "jsonpath={.spec.nodeName}"});
  EXPECT_TRUE(wait_until([&] {
    const auto summary =
        world.cluster().kubectl({"get", "--raw", "/api/v1/nodes/" + node + "/proxy/stats/summary"}).output;
    const auto pod = summary.find("\"" + world.ns() + "\"");
    return pod != std::string::npos && summary.find("workingSetBytes", pod) != std::string::npos;
  }));
}

}  // namespace
}  // namespace holdfast::test
