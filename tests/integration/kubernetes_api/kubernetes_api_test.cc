// The Kubernetes runtime over an API server that is stopped and started, and over one with many services. No
// pod runs there: what others would make of a Deployment, these tests make by hand.
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/assert_ok.h"
#include "tests/support/kube_bench/kube_bench.h"
#include "tests/support/kube_world/fault_proxy.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

bool sees(KubeBench& bench, const std::string& service) {
  return wait_until([&] { return bench.runtime().observe(service).has_value(); });
}
bool loses_sight(KubeBench& bench, const std::string& service) {
  return wait_until([&] { return !bench.runtime().observe(service).has_value(); });
}

TEST(KubernetesApi, SurvivesARestartOfTheServer) {
  PrivateCluster cluster;
  KubeBench bench(cluster.cluster().kubeconfig(), "default");
  const auto spec = bench.spec("web");
  ASSERT_OK(bench.apply(spec));
  cluster.stop("apiserver");
  ASSERT_TRUE(loses_sight(bench, "web"));
  EXPECT_EQ(bench.runtime().observe("web").error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(bench.runtime().list_owned()) << "can't tell is not none";
  EXPECT_FALSE(bench.runtime().execute(DeleteWorkload{"web", "test"}, {}));
  EXPECT_TRUE(wait_until([&] { return !bench.runtime().availability().available; }));
  cluster.start("apiserver");
  bench.forget();
  ASSERT_TRUE(sees(bench, "web"));
  ASSERT_TRUE(bench.workload("web"));
  EXPECT_THAT(bench.workload("web")->pending, IsEmpty());
  EXPECT_TRUE(wait_until([&] { return bench.runtime().availability().available; }));
  cluster.cluster().kubectl_ok({"scale", "deployment/web", "--replicas=4"});
  EXPECT_TRUE(wait_until([&] { return bench.workload("web")->replicas == 4; }));
}

TEST(KubernetesApi, DoesNothingWhileEtcdIsDown) {
  PrivateCluster cluster;
  KubeBench bench(cluster.cluster().kubeconfig(), "default");
  const auto spec = bench.spec("web");
  ASSERT_OK(bench.apply(spec));
  cluster.stop("etcd");
  const auto refused = bench.apply(spec, 1);
  EXPECT_FALSE(refused);
  ASSERT_TRUE(loses_sight(bench, "web"));
  EXPECT_FALSE(bench.runtime().list_owned());
  cluster.start("etcd");
  ASSERT_TRUE(sees(bench, "web"));
  EXPECT_TRUE(wait_until([&] { return bench.apply(spec, 2).has_value(); }));
  EXPECT_EQ(bench.workload("web")->restart_nonce, 2u);
}

TEST(KubernetesApi, SeesANodeGoSilent) {
  KubeBench bench;
  ASSERT_OK(bench.apply(bench.spec("web")));
  auto& world = bench.world();
  world.kubectl_ok({"apply", "-f", "-"},
                   R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "labels": {
    "holdfast.dev/service": "web", "holdfast.dev/controller": "holdfast"}}, "spec": {"nodeName": "node7",
    "containers": [{"name": "web", "image": "x"}]}})");
  const auto patch = [&](const std::string& ready) {
    world.kubectl_ok({"patch", "pod", "web-1", "--subresource=status", "--type=merge", "-p",
                      R"({"status": {"phase": "Running", "conditions": [
                        {"type": "Ready", "status": ")" +
                          ready + R"("}, {"type": "ContainersReady", "status": "True"}],
                        "containerStatuses": [{"name": "web", "ready": true, "started": true, "restartCount": 0,
                          "image": "x", "imageID": "x", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}})"});
  };
  const auto reaches = [&](Phase phase) {
    return wait_until([&] {
      const auto seen = bench.see("web").instances;
      return seen.size() == 1 && seen[0].phase == phase;
    });
  };
  patch("True");
  ASSERT_TRUE(reaches(Phase::kRunning));
  patch("False");
  ASSERT_TRUE(reaches(Phase::kUnknown));
  EXPECT_EQ(bench.see("web").instances[0].message, "node node7 doesn't answer");
  world.kubectl_ok({"delete", "pod", "web-1", "--force", "--grace-period=0"});
}

// Each thread applies every n-th.
void apply_all(Runtime& runtime, const std::map<std::string, SpecPtr>& specs) {
  constexpr size_t kThreads = 8;
  std::vector<std::jthread> threads;
  for (size_t first = 0; first < kThreads; ++first) {
    threads.emplace_back([&, first] {
      size_t i = 0;
      for (const auto& [name, spec] : specs) {
        if (i++ % kThreads != first) continue;
        const auto done = runtime.execute(ApplyWorkload{name, "test"}, {spec, 0});
        EXPECT_TRUE(done) << done.error().message;
      }
    });
  }
}

TEST(KubernetesApi, AThousandServicesCostNothingWhileNothingHappens) {
  constexpr size_t kMany = 1000;
  KubeBench bench;
  std::map<std::string, SpecPtr> specs;
  for (size_t i = 0; i < kMany; ++i) {
    const auto name = "service-" + std::to_string(i);
    specs[name] = std::make_shared<const ServiceSpec>(bench.spec(name));
  }
  bench.runtime().declare(specs);
  ASSERT_TRUE(sees(bench, "service-0"));
  apply_all(bench.runtime(), specs);
  EXPECT_EQ(bench.runtime().list_owned()->size(), kMany);

  const FaultProxy proxy(bench.world().cluster());
  bench.use_kubeconfig(proxy.kubeconfig());
  bench.replace_adapter();
  bench.runtime().declare(specs);
  ASSERT_TRUE(sees(bench, "service-999"));
  EXPECT_EQ(bench.runtime().list_owned()->size(), kMany);
  for (const auto& [name, spec] : specs) {
    const auto seen = bench.runtime().observe(name);
    ASSERT_OK(seen);
    ASSERT_TRUE(seen->workload) << name;
    EXPECT_THAT(seen->workload->pending, IsEmpty()) << name;
  }
  const auto of_kinds = [](const KubeRequest& request) {
    return request.is_list() && request.target.find("limit=") != std::string::npos;
  };
  std::set<std::string> listed;
  for (const auto& request : proxy.requests()) {
    if (of_kinds(request)) listed.insert(request.path());
  }
  EXPECT_EQ(listed.size(), 5u) << "one list of each kind, in pages";
  EXPECT_EQ(proxy.count([](const KubeRequest& request) { return request.method != "GET"; }), 0u);
}

}  // namespace
}  // namespace holdfast::test
