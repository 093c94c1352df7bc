// The Kubernetes runtime, people and other controllers over one real cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/assert_ok.h"
#include "tests/support/kube_bench/kube_bench.h"

namespace holdfast::test {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string kubectl(KubeBench& bench, const std::vector<std::string>& arguments,
                    const std::string& input = {}) {
  return bench.world().kubectl_ok(arguments, input);
}
std::string field(KubeBench& bench, const std::string& path) {
  return kubectl(bench, {"get", "deployment", "web", "-o", "jsonpath={" + path + "}"});
}
std::vector<std::string> pending(KubeBench& bench) {
  const auto seen = bench.workload("web");
  return seen ? seen->pending : std::vector<std::string>{"there is no workload"};
}
bool is_pending(KubeBench& bench, const std::string& text) {
  return wait_until([&] {
    const auto all = pending(bench);
    return std::any_of(all.begin(), all.end(),
                       [&](const auto& one) { return one.find(text) != std::string::npos; });
  });
}

TEST(KubernetesRuntime, TakesOverADeploymentOnlyWhenTold) {
  KubeBench bench;
  kubectl(bench, {"create", "deployment", "web", "--image=nginx:1", "--replicas=0"});
  kubectl(bench, {"set", "env", "deployment/web", "LEFT=over"});
  kubectl(bench, {"label", "deployment/web", "their=label"});
  auto spec = bench.spec("web");
  const auto refused = bench.apply(spec);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().hint, HasSubstr("kubernetes.adopt: true"));
  EXPECT_EQ(field(bench, ".spec.template.spec.containers[*].image"), "nginx:1");
  spec.kubernetes.adopt = true;
  ASSERT_OK(bench.apply(spec));
  EXPECT_TRUE(bench.settles("web")) << bench.last_words("web");
  EXPECT_EQ(field(bench, ".spec.template.spec.containers[*].image"), bench.world().image());
  EXPECT_EQ(field(bench, ".spec.template.spec.containers[*].env"), "");
  EXPECT_EQ(field(bench, ".metadata.labels.their"), "") << "what nobody declares goes with its owner";
  EXPECT_EQ(field(bench, ".spec.selector.matchLabels.app"), "web") << "a selector can't be changed";
  EXPECT_THAT(pending(bench), IsEmpty());
}

TEST(KubernetesRuntime, UndoesWhatPeopleChange) {
  KubeBench bench;
  auto spec = bench.spec("web");
  spec.env["LEVEL"] = "quiet";
  spec.resources.memory_bytes = 64 << 20;
  ASSERT_OK(bench.apply(spec));
  ASSERT_TRUE(bench.settles("web")) << bench.last_words("web");
  EXPECT_THAT(pending(bench), IsEmpty());
  bench.forget();

  kubectl(bench, {"scale", "deployment/web", "--replicas=2"});
  EXPECT_TRUE(is_pending(bench, "replicas: 1 is declared, 2 is in force"));
  EXPECT_TRUE(bench.told("web"));
  kubectl(bench, {"set", "image", "deployment/web", "web=holdfast-test:healthy"});
  EXPECT_TRUE(is_pending(
      bench, "image: holdfast-test:1 is declared, holdfast-test:healthy is in force (by kubectl-set)"));
  kubectl(bench, {"set", "env", "deployment/web", "LEVEL=loud", "THEIRS=1"});
  EXPECT_TRUE(is_pending(bench, "env LEVEL: the declared value is not in force (by kubectl-set)"));
  kubectl(bench, {"set", "resources", "deployment/web", "--limits=memory=65Mi"});
  EXPECT_TRUE(
      is_pending(bench, "resources.limits.memory: 64Mi is declared, 65Mi is in force (by kubectl-set)"));

  kubectl(bench, {"rollout", "pause", "deployment/web"});
  EXPECT_TRUE(is_pending(bench, "paused: false is declared, true is in force"));

  ASSERT_OK(bench.apply(spec));
  EXPECT_THAT(pending(bench), IsEmpty());
  EXPECT_TRUE(bench.settles("web")) << bench.last_words("web");
  EXPECT_EQ(field(bench, ".spec.replicas"), "1");
  EXPECT_EQ(field(bench, ".spec.template.spec.containers[0].env[?(@.name=='LEVEL')].value"), "quiet");
  EXPECT_EQ(field(bench, ".spec.template.spec.containers[0].env[?(@.name=='THEIRS')].value"), "1")
      << "what isn't declared is not Holdfast's to undo";
}

TEST(KubernetesRuntime, TakesAwayWhatIsNoLongerDeclared) {
  KubeBench bench;
  auto spec = bench.spec("web");
  spec.env["LEVEL"] = "quiet";
  spec.kubernetes.ports = {{.name = "http", .port = 80, .target = 8080, .protocol = "TCP"}};
  spec.health.readiness = Probe{.check = ExecProbe{{"true"}}, .interval = seconds{1}};
  ASSERT_OK(bench.apply(spec));
  EXPECT_EQ(kubectl(bench, {"get", "service", "web", "-o", "jsonpath={.spec.ports[0].targetPort}"}), "8080");
  EXPECT_TRUE(wait_until([&] { return pending(bench).empty(); })) << pending(bench)[0];
  spec.env.clear();
  spec.kubernetes.ports.clear();
  spec.health.readiness.reset();
  spec.spec_hash = "hash-2";
  ASSERT_OK(bench.apply(spec));
  EXPECT_EQ(field(bench, ".spec.template.spec.containers[0].env"), "");
  EXPECT_EQ(field(bench, ".spec.template.spec.containers[0].ports"), "");
  EXPECT_EQ(field(bench, ".spec.template.spec.containers[0].readinessProbe"), "");
  EXPECT_NE(bench.world().kubectl({"get", "service", "web"}).status, 0);
  EXPECT_TRUE(bench.settles("web")) << bench.last_words("web");
}

TEST(KubernetesRuntime, TellsWhatAProbeChangeWouldDo) {
  KubeBench bench;
  auto spec = bench.spec("web");
  spec.health.readiness = Probe{.check = ExecProbe{{"true"}}, .interval = seconds{1}};
  ASSERT_OK(bench.apply(spec));
  ASSERT_TRUE(bench.settles("web")) << bench.last_words("web");
  EXPECT_THAT(pending(bench), IsEmpty());
  spec.health.readiness->interval = seconds{2};
  spec.replicas = 2;
  bench.declare(spec);
  EXPECT_THAT(pending(bench), ElementsAre("replicas: 2 is declared, 1 is in force",
                                          "readinessProbe.periodSeconds: 2 is declared, 1 is in force"));
}

TEST(KubernetesRuntime, LeavesTheNumberToAnAutoscaler) {
  KubeBench bench;
  auto spec = bench.spec("web");
  ASSERT_OK(bench.apply(spec));
  kubectl(bench, {"apply", "-f", "-"}, R"({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 4, "targetCPUUtilizationPercentage": 50,
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}})");
  ASSERT_TRUE(wait_until([&] { return bench.workload("web")->replicas == 2; }));
  EXPECT_EQ(bench.workload("web")->scaler, "HorizontalPodAutoscaler web");
  EXPECT_THAT(pending(bench), IsEmpty());
  spec.spec_hash = "hash-2";
  // What the cluster writes meanwhile is in the way for a moment; the loop tries again too.
  ASSERT_TRUE(wait_until([&] { return bench.apply(spec).has_value(); }));
  EXPECT_EQ(field(bench, ".spec.replicas"), "2");
  EXPECT_THAT(pending(bench), IsEmpty());
}

TEST(KubernetesRuntime, NamesTheRuleThatIsMissing) {
  KubeBench bench("test-a");
  const auto spec = bench.spec("web");
  bench.declare(spec);
  ASSERT_TRUE(wait_until([&] {
    const auto seen = bench.runtime().observe("web");
    return !seen && seen.error().code == ErrorCode::kPermission;
  }));
  EXPECT_THAT(bench.runtime().observe("web").error().hint, HasSubstr("\"list\""));
  bench.world().allow("test-a", "get,list,watch",
                      "pods,deployments.apps,services,events,horizontalpodautoscalers.autoscaling");
  bench.world().allow("test-a", "create", "deployments.apps");
  const auto refused = bench.apply(spec);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
  EXPECT_THAT(refused.error().message, HasSubstr("patch deployments.apps in namespace"));
  EXPECT_THAT(refused.error().hint, HasSubstr("verbs: [\"patch\"]"));
  bench.world().allow("test-a", "patch,delete", "deployments.apps");
  ASSERT_OK(bench.apply(spec));
}

TEST(KubernetesRuntime, SaysThatANamespaceIsMissing) {
  KubeBench bench;
  auto spec = bench.spec("web");
  spec.kubernetes.namespace_ = bench.world().ns() + "-none";
  const auto refused = bench.apply(spec);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message + refused.error().hint, HasSubstr(spec.kubernetes.namespace_));
}

TEST(KubernetesRuntime, SaysWhyNoNodeTakesIt) {
  KubeBench bench;
  auto spec = bench.spec("web");
  spec.resources.cpu_millis = 999'000;
  ASSERT_OK(bench.apply(spec));
  EXPECT_TRUE(bench.says("web", "Unschedulable: 0/1 nodes are available")) << bench.last_words("web");
  EXPECT_TRUE(wait_until([&] {
    const auto notes = bench.notes();
    return std::any_of(notes.begin(), notes.end(),
                       [](const RuntimeNote& note) { return note.type == "FailedScheduling"; });
  }));
}

TEST(KubernetesRuntime, SaysWhyItCrashes) {
  KubeBench bench;
  auto spec = bench.spec("web", {"sh", "-c", "exit 3"});
  spec.kubernetes.progress_deadline = seconds{3};
  ASSERT_OK(bench.apply(spec));
  EXPECT_TRUE(bench.says("web", "CrashLoopBackOff: exit code 3; next attempt within"))
      << bench.last_words("web");
  EXPECT_TRUE(bench.says("web", "no progress for 3s: CrashLoopBackOff: exit code 3"))
      << bench.last_words("web");
}

TEST(KubernetesRuntime, SaysThatMemoryRanOut) {
  KubeBench bench;
  auto spec = bench.spec("web", {"test-service", "eat", "100000000", "pause"});
  spec.resources.memory_bytes = 16 << 20;
  ASSERT_OK(bench.apply(spec));
  EXPECT_TRUE(bench.says("web", "out of memory")) << bench.last_words("web");
  EXPECT_TRUE(wait_until([&] {
    const auto seen = bench.see("web").instances;
    return !seen.empty() && ((seen[0].exit && seen[0].exit->oom_killed) ||
                             (seen[0].last_exit && seen[0].last_exit->oom_killed));
  }));
}

TEST(KubernetesRuntime, SaysThatTheProgramIsMissing) {
  KubeBench bench;
  ASSERT_OK(bench.apply(bench.spec("web", {"/no/such/program"})));
  EXPECT_TRUE(bench.says("web", "no such file or directory")) << bench.last_words("web");
}

TEST(KubernetesRuntime, SaysWhichCheckFails) {
  KubeBench bench;
  auto spec = bench.spec("web");
  spec.health.readiness = Probe{.check = HttpProbe{.port = 81, .path = "/up"}, .interval = seconds{1}};
  ASSERT_OK(bench.apply(spec));
  EXPECT_TRUE(bench.says("web", "Readiness probe failed: Get \"http://")) << bench.last_words("web");
  const auto seen = bench.see("web").instances;
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].phase, Phase::kRunning);
  EXPECT_EQ(seen[0].runtime_ready, false);
}

TEST(KubernetesRuntime, RestartsWhatFailsItsLivenessCheck) {
  KubeBench bench;
  auto spec = bench.spec("web");
  spec.health.liveness = Probe{.check = ExecProbe{{"false"}}, .interval = seconds{1}, .failure_threshold = 1};
  ASSERT_OK(bench.apply(spec));
  EXPECT_TRUE(wait_until([&] {
    const auto seen = bench.see("web").instances;
    return !seen.empty() && seen[0].incarnation > 1;
  }));
  const auto notes = bench.notes();
  EXPECT_TRUE(std::any_of(notes.begin(), notes.end(), [](const RuntimeNote& note) {
    return note.type == "Unhealthy" && note.message.find("Liveness probe failed") != std::string::npos;
  }));
}

TEST(KubernetesRuntime, SeesAPodReplaced) {
  KubeBench bench;
  ASSERT_OK(bench.apply(bench.spec("web")));
  ASSERT_TRUE(bench.settles("web")) << bench.last_words("web");
  const auto before = bench.see("web").instances.at(0);
  bench.forget();
  kubectl(bench, {"delete", "pod", before.name, "--wait=false"});
  EXPECT_TRUE(wait_until([&] { return bench.told("web"); }));
  ASSERT_TRUE(wait_until([&] {
    const auto seen = bench.see("web").instances;
    return seen.size() == 1 && seen[0].name != before.name && seen[0].phase == Phase::kRunning;
  }));
  EXPECT_EQ(bench.see("web").instances[0].id.ordinal, 0);
}

TEST(KubernetesRuntime, ReadsWhatTheRunBeforeWrote) {
  KubeBench bench;
  auto spec = bench.spec("web", {"sh", "-c", "echo run; sleep 0.5; exit 1"});
  ASSERT_OK(bench.apply(spec));
  ASSERT_TRUE(wait_until([&] {
    const auto seen = bench.see("web").instances;
    return !seen.empty() && seen[0].incarnation > 1;
  }));
  EXPECT_TRUE(wait_until([&] {
    const auto lines = bench.runtime().logs()->read("web", {});
    return lines && !lines->empty() && lines->back().text == "run";
  }));
}

TEST(KubernetesRuntime, RunsWhatAPodTemplateAdds) {
  KubeBench bench;
  auto spec =
      bench.spec("web", {"sh", "-c", "cat /shared/word; trap exit TERM; while :; do sleep 0.1; done"});
  spec.user = "1000:1000";
  spec.kubernetes.pod_template = *parse_json(R"({"metadata": {"labels": {"tier": "front"}}, "spec": {
    "initContainers": [{"name": "first", "image": "holdfast-test:1", "imagePullPolicy": "IfNotPresent",
      "args": ["sh", "-c", "echo hello > /shared/word"], "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}],
    "containers": [
      {"name": "web", "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]},
      {"name": "side", "image": "holdfast-test:1", "imagePullPolicy": "IfNotPresent", "args": ["sleep", "10000"],
       "resources": {"limits": {"cpu": "1000m", "memory": "0.0625Gi"}}}],
    "volumes": [{"name": "shared", "emptyDir": {"sizeLimit": "1024Ki"}}]}})");
  ASSERT_OK(bench.apply(spec));
  ASSERT_TRUE(bench.settles("web")) << bench.last_words("web");
  EXPECT_TRUE(wait_until([&] { return pending(bench).empty(); })) << pending(bench)[0];
  const auto lines = bench.runtime().logs()->read("web", {});
  ASSERT_TRUE(lines);
  ASSERT_FALSE(lines->empty());
  EXPECT_EQ(lines->back().text, "hello");
}

}  // namespace
}  // namespace holdfast::test
