// What is seen of objects that a real cluster (1.20) had, in seen.json.
#include "controller/base/file.h"
#include "runtimes/kubernetes/drift.h"
#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/ordinals.h"
#include "runtimes/kubernetes/pod_sight.h"
#include "runtimes/kubernetes/workload_sight.h"
#include "tests/unit/kubernetes/specs.h"

namespace holdfast::kubernetes {
namespace {

using std::chrono::seconds;
using test::json;
using test::kube_spec;

const Json& seen() {
  static const Json all =
      json(read_file(HOLDFAST_SOURCE_DIR "/tests/unit/kubernetes/seen.json").value_or(""));
  return all;
}
const Json& pod(const std::string& name) {
  return seen().at("pods").at(name);
}
const Moment kNow{MonoTime{seconds{100000}}, *parse_rfc3339("2026-01-01T17:25:00Z")};

PodNews news_of(const std::string& pod_name) {
  PodNews news;
  for (const auto& event : seen().at("events").items()) {
    if (event.at("involvedObject").at("name") == pod(pod_name).at("metadata").at("name"))
      take_news(news, event);
  }
  return news;
}
ObservedInstance look(const std::string& name) {
  return look_at_pod(pod(name), {"web", 1}, news_of(name), kNow);
}

TEST(KubernetesPodSight, ARunningPod) {
  const auto fine = look("fine");
  EXPECT_EQ(fine.id, (InstanceId{"web", 1}));
  EXPECT_EQ(fine.name, "fine-5fc5fc746c-7kl6n");
  EXPECT_EQ(fine.incarnation, 1u);
  EXPECT_EQ(fine.phase, Phase::kRunning);
  EXPECT_EQ(fine.spec_hash, "h1");
  EXPECT_EQ(fine.restart_nonce, 0u);
  EXPECT_EQ(fine.started_wall, parse_rfc3339("2026-01-01T17:14:31Z"));
  EXPECT_EQ(fine.started_at, kNow.mono - seconds{629});
  EXPECT_EQ(fine.runtime_ready, true);
  EXPECT_EQ(fine.message, "");
  EXPECT_FALSE(fine.exit);
  EXPECT_FALSE(fine.last_exit);
  EXPECT_FALSE(fine.pid);
}

TEST(KubernetesPodSight, ACrashLoop) {
  const auto crash = look("crash");
  EXPECT_EQ(crash.phase, Phase::kExited);
  EXPECT_EQ(crash.incarnation, 7u);
  ASSERT_TRUE(crash.exit);
  EXPECT_EQ(crash.exit->code, 3);
  EXPECT_EQ(crash.exit->reason, "exit code 3");
  EXPECT_EQ(crash.exit->at, parse_rfc3339("2026-01-01T17:20:07Z"));
  EXPECT_EQ(crash.runtime_ready, false);
  EXPECT_EQ(crash.message, "CrashLoopBackOff: exit code 3; next attempt within 5m0s");
  EXPECT_EQ(look("crash-early").message, "CrashLoopBackOff: exit code 3; next attempt within 10s");
}

TEST(KubernetesPodSight, OutOfMemory) {
  const auto oom = look("oom");
  ASSERT_TRUE(oom.exit);
  EXPECT_EQ(oom.exit->signal, 9);
  EXPECT_FALSE(oom.exit->code);
  EXPECT_TRUE(oom.exit->oom_killed);
  EXPECT_EQ(oom.message,
            "CrashLoopBackOff: killed by signal 9 (KILL), out of memory; next attempt within 5m0s");
}

TEST(KubernetesPodSight, AProgramThatCannotBeStarted) {
  for (const char* name : {"wontstart", "wontstart-early"}) {
    const auto instance = look(name);
    EXPECT_EQ(instance.phase, Phase::kExited);
    ASSERT_TRUE(instance.exit);
    EXPECT_TRUE(instance.exit->start_failed);
    EXPECT_NE(instance.message.find("no such file or directory"), std::string::npos) << instance.message;
  }
}

TEST(KubernetesPodSight, NoNodeForIt) {
  const auto huge = look("huge");
  EXPECT_EQ(huge.phase, Phase::kPending);
  EXPECT_EQ(huge.incarnation, 1u);
  EXPECT_EQ(huge.message, "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(huge.runtime_ready, false);
}

TEST(KubernetesPodSight, NoImage) {
  EXPECT_EQ(look("missing").phase, Phase::kPending);
  EXPECT_EQ(look("missing").message,
            "ErrImageNeverPull: Container image \"no-such:1\" is not present with pull policy of Never");
  const auto absent = look("absent").message;
  EXPECT_TRUE(absent.starts_with("ImagePullBackOff: Failed to pull image \"registry.invalid/x:1\": "))
      << absent;
}

TEST(KubernetesPodSight, FailedChecks) {
  EXPECT_EQ(look("slow").phase, Phase::kStarting);
  EXPECT_EQ(look("slow").message, "Startup probe failed");
  auto sick = pod("sick-early");
  auto news = news_of("sick");
  EXPECT_EQ(look_at_pod(sick, {"web", 0}, news, kNow).phase, Phase::kRunning);
  EXPECT_EQ(news.unhealthy, "Liveness probe failed");
  news.unhealthy = "Readiness probe failed: HTTP probe failed with statuscode: 503";
  EXPECT_EQ(look_at_pod(sick, {"web", 0}, news, kNow).message, news.unhealthy);
}

TEST(KubernetesPodSight, KilledForAFailedCheck) {
  PodNews news{.unhealthy = "Liveness probe failed", .unhealthy_at = parse_rfc3339("2026-01-01T17:20:40Z")};
  EXPECT_EQ(look_at_pod(pod("sick"), {"web", 0}, news, kNow).message,
            "CrashLoopBackOff: killed by signal 9 (KILL); Liveness probe failed; next attempt within 5m0s");
  news.unhealthy_at = parse_rfc3339("2026-01-01T17:10:00Z");  // of a run before
  EXPECT_EQ(look_at_pod(pod("sick"), {"web", 0}, news, kNow).message,
            "CrashLoopBackOff: killed by signal 9 (KILL); next attempt within 5m0s");
}

TEST(KubernetesPodSight, ANodeThatWentSilent) {
  const auto lost = look("fine-lost");
  EXPECT_EQ(lost.phase, Phase::kUnknown);
  EXPECT_EQ(lost.message, "node node1 doesn't answer");
  EXPECT_FALSE(lost.runtime_ready);
  EXPECT_FALSE(lost.exit);
}

TEST(KubernetesPodSight, ALeavingPod) {
  auto leaving = pod("fine");
  leaving.find("metadata")->set("deletionTimestamp", "2026-01-01T17:25:10Z");
  leaving.find("metadata")->set("deletionGracePeriodSeconds", 30);
  const auto instance = look_at_pod(leaving, {"web", 0}, {}, kNow);
  EXPECT_EQ(instance.phase, Phase::kStopping);
  EXPECT_EQ(instance.stopping_since, kNow.mono - seconds{20});
}

TEST(KubernetesPodSight, ARestartedContainerTellsOfTheRunBefore) {
  auto restarted = pod("fine");
  auto& status = restarted.find("status")->find("containerStatuses")->items()[0];
  status.set("restartCount", 2);
  status.set("lastState", json(R"({"terminated": {"exitCode": 143, "finishedAt": "2026-01-01T17:14:00Z"}})"));
  const auto instance = look_at_pod(restarted, {"web", 0}, {}, kNow);
  EXPECT_EQ(instance.incarnation, 3u);
  EXPECT_EQ(instance.phase, Phase::kRunning);
  ASSERT_TRUE(instance.last_exit);
  EXPECT_EQ(instance.last_exit->reason, "killed by signal 15 (TERM)");
}

TEST(KubernetesPodSight, AnEvictedPod) {
  const auto evicted =
      json(R"({"metadata": {"name": "web-1"}, "status": {"phase": "Failed", "reason": "Evicted",
    "message": "The node was low on resource: memory."}})");
  const auto instance = look_at_pod(evicted, {"web", 0}, {}, kNow);
  EXPECT_EQ(instance.phase, Phase::kExited);
  EXPECT_EQ(instance.message, "Evicted: The node was low on resource: memory.");
  ASSERT_TRUE(instance.exit);
  EXPECT_FALSE(instance.exit->code);
}

TEST(KubernetesPodSight, TheServicesOwnContainerCounts) {
  const auto two = json(R"({"metadata": {"name": "web-1", "labels": {"holdfast.dev/service": "web"},
    "annotations": {"kubectl.kubernetes.io/default-container": "main"}}, "status": {"phase": "Running",
    "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady",
                    "message": "containers with unready status: [side]"}],
    "containerStatuses": [
      {"name": "side", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff",
        "message": "back-off 20s restarting failed container=side"}}, "lastState": {"terminated": {"exitCode": 1}}},
      {"name": "main", "restartCount": 0, "started": true, "state": {"running": {}}}]}})");
  const auto instance = look_at_pod(two, {"web", 0}, {}, kNow);
  EXPECT_EQ(instance.incarnation, 1u);
  EXPECT_EQ(instance.phase, Phase::kRunning);
  EXPECT_EQ(instance.message, "CrashLoopBackOff: exit code 1; next attempt within 20s");
}

TEST(KubernetesPodSight, WordsOfExits) {
  EXPECT_EQ(exit_of(json(R"({"exitCode": 0})")).reason, "exit code 0");
  EXPECT_TRUE(exit_of(json(R"({"exitCode": 0})")).clean());
  EXPECT_EQ(exit_of(json(R"({"exitCode": 134})")).reason, "killed by signal 6 (ABRT)");
  EXPECT_EQ(exit_of(json(R"({"exitCode": 255})")).code, 255);
  const auto unknown =
      exit_of(json(R"({"exitCode": 137, "reason": "ContainerStatusUnknown", "message": "lost"})"));
  EXPECT_FALSE(unknown.code || unknown.signal);
}

// ---- ordinals

ObjectPtr made(const std::string& name, const std::string& at) {
  return std::make_shared<const Json>(Json::object(
      {{"metadata", Json::object({{"name", name}, {"uid", "uid-" + name}, {"creationTimestamp", at}})}}));
}
std::map<std::string, int> assigned(Ordinals& ordinals, const std::vector<ObjectPtr>& pods, int replicas) {
  std::map<std::string, int> out;
  for (const auto& [ordinal, one] : ordinals.assign("web", pods, replicas))
    out[one->at("metadata").at("name").as_string()] = ordinal;
  return out;
}

TEST(KubernetesOrdinals, StayWhileAPodLives) {
  Ordinals ordinals;
  const auto a = made("a", "1"), b = made("b", "2"), c = made("c", "0");
  EXPECT_EQ(assigned(ordinals, {b, a}, 2), (std::map<std::string, int>{{"a", 0}, {"b", 1}}));
  EXPECT_EQ(assigned(ordinals, {b, a, c}, 2), (std::map<std::string, int>{{"a", 0}, {"b", 1}, {"c", 2}}));
  EXPECT_EQ(assigned(ordinals, {b, c}, 2), (std::map<std::string, int>{{"b", 1}, {"c", 0}}));
  EXPECT_EQ(assigned(ordinals, {b, c, a}, 3), (std::map<std::string, int>{{"a", 2}, {"b", 1}, {"c", 0}}));
  EXPECT_TRUE(assigned(ordinals, {}, 3).empty());
  EXPECT_EQ(assigned(ordinals, {b}, 3), (std::map<std::string, int>{{"b", 0}}));
}

TEST(KubernetesOrdinals, AreTheSameForANewController) {
  const std::vector<ObjectPtr> pods{made("a", "2"), made("b", "1"), made("c", "1")};
  Ordinals one, two;
  EXPECT_EQ(assigned(one, pods, 3), assigned(two, {pods[2], pods[1], pods[0]}, 3));
}

// ---- workloads

// As a server has what was applied of spec, fully available.
Json applied(const ServiceSpec& spec, std::uint64_t nonce = 0, Book book = {}) {
  const auto manifest =
      manifest_of(spec, {.namespace_ = "shop", .controller = "holdfast", .restart_nonce = nonce});
  book.applied = manifest;
  book.replicas = spec.replicas;
  auto object = write_book(manifest.deployment, book);
  object.erase("apiVersion");  // as in a list
  object.erase("kind");
  object.find("metadata")->set("generation", 1);
  object.set("status", Json::object({{"observedGeneration", 1},
                                     {"replicas", spec.replicas},
                                     {"updatedReplicas", spec.replicas},
                                     {"availableReplicas", spec.replicas}}));
  return object;
}
ObservedWorkload workload(const Json& deployment, const ServiceSpec& spec, const std::string& scaler = {}) {
  return look_at_workload({.deployment = std::make_shared<const Json>(deployment),
                           .services_seen = true,
                           .scaler = scaler,
                           .declared = std::make_shared<const ServiceSpec>(spec),
                           .options = {.namespace_ = "shop", .controller = "holdfast", .selector = {}}},
                          "exit code 3");
}

TEST(KubernetesWorkloadSight, AsDeclaredIsNothingPending) {
  auto spec = kube_spec();
  spec.replicas = 2;
  const auto seen_now = workload(applied(spec, 5), spec);
  EXPECT_EQ(seen_now.spec_hash, "hash-1");
  EXPECT_EQ(seen_now.restart_nonce, 5u);
  EXPECT_EQ(seen_now.replicas, 2);
  EXPECT_FALSE(seen_now.rolling_out);
  EXPECT_EQ(seen_now.stable_hash, "hash-1");
  EXPECT_EQ(seen_now.pending, std::vector<std::string>{});
  EXPECT_EQ(seen_now.stalled, "");
}

TEST(KubernetesWorkloadSight, TellsANewDeclarationFromAnEdit) {
  auto spec = kube_spec();
  auto live = applied(spec);
  live.find("metadata")
      ->set("managedFields", json(R"([{"manager": "kubectl-edit", "time": "2026-01-01T00:00:00Z",
    "fieldsV1": {"f:spec": {"f:replicas": {}, "f:strategy": {"f:rollingUpdate": {"f:maxSurge": {}}}}}}])"));
  live.find("spec")->set("replicas", 5);
  spec.kubernetes.max_surge = "1";
  EXPECT_EQ(workload(live, spec).pending,
            (std::vector<std::string>{"replicas: 1 is declared, 5 is in force (by kubectl-edit)",
                                      "strategy.rollingUpdate.maxSurge: 1 is declared, 25% is in force"}));
}

TEST(KubernetesWorkloadSight, AnotherHashIsComparedWithWhatWasApplied) {
  auto spec = kube_spec();
  const auto live = applied(spec);
  spec.spec_hash = "hash-2";
  spec.kubernetes.image = "shop/web:2";
  EXPECT_EQ(workload(live, spec).pending, std::vector<std::string>{});
  auto edited = live;
  edited.find("spec")->set("replicas", 3);
  EXPECT_EQ(workload(edited, spec).pending,
            std::vector<std::string>{"replicas: 1 is declared, 3 is in force"});
}

TEST(KubernetesWorkloadSight, AScalersNumberIsItsOwn) {
  const auto spec = kube_spec();
  auto live = applied(spec);
  live.find("spec")->set("replicas", 7);
  const auto scaled = workload(live, spec, "HorizontalPodAutoscaler web");
  EXPECT_EQ(scaled.scaler, "HorizontalPodAutoscaler web");
  EXPECT_EQ(scaled.replicas, 7);
  EXPECT_EQ(scaled.pending, std::vector<std::string>{});
}

TEST(KubernetesWorkloadSight, WhatWasStoppedIsNoDrift) {
  const auto spec = kube_spec();
  auto live = applied(spec);
  live.find("spec")->set("replicas", 0);
  EXPECT_EQ(workload(live, spec).pending, std::vector<std::string>{"replicas: 1 is declared, 0 is in force"});
  live.find("metadata")->find("annotations")->set(kReplicasNote, "0");
  EXPECT_EQ(workload(live, spec).pending, std::vector<std::string>{});
  EXPECT_EQ(workload(live, spec).replicas, 0);
}

TEST(KubernetesWorkloadSight, ARolloutThatStalls) {
  auto good = kube_spec();
  auto bad = kube_spec();
  bad.spec_hash = "hash-2";
  Book book;
  book.stable = manifest_of(good, {.namespace_ = "shop", .controller = "holdfast"});
  auto live = applied(bad, 0, book);
  live.find("status")->set("availableReplicas", 0);
  live.find("status")->set("conditions", seen().at("deployments").at("crash").at("status").at("conditions"));
  const auto stalled = workload(live, bad);
  EXPECT_EQ(stalled.stalled, "no progress for 600s: exit code 3");
  EXPECT_EQ(stalled.stable_hash, "hash-1");
  EXPECT_TRUE(stalled.rolling_out);
  live.find("metadata")->set("generation", 2);
  EXPECT_EQ(workload(live, bad).stalled, "") << "the cluster hasn't seen the newest spec yet";
}

TEST(KubernetesWorkloadSight, WhatWasGoneBackFrom) {
  const auto good = kube_spec();
  auto bad = kube_spec();
  bad.spec_hash = "hash-2";
  bad.replicas = 3;
  Book book;
  book.rejected = Rejection{.hash = "hash-2", .because = "exit code 3", .nonce = 4};
  const auto live = applied(good, 0, book);
  const auto reverted = workload(live, bad);
  EXPECT_EQ(reverted.rejected_hash, "hash-2");
  EXPECT_EQ(reverted.rejected_because, "exit code 3");
  EXPECT_EQ(reverted.rejected_nonce, 4u);
  EXPECT_EQ(reverted.pending, std::vector<std::string>{});
  EXPECT_EQ(workload(live, good).pending,
            std::vector<std::string>{"what was gone back from is not what is declared now"});
}

TEST(KubernetesWorkloadSight, RealDeployments) {
  const auto fine = look_at_workload(
      {.deployment = std::make_shared<const Json>(seen().at("deployments").at("fine")), .options = {}}, "");
  EXPECT_FALSE(fine.rolling_out);
  EXPECT_EQ(fine.replicas, 1);
  const auto crash = look_at_workload(
      {.deployment = std::make_shared<const Json>(seen().at("deployments").at("crash")), .options = {}},
      "why");
  EXPECT_TRUE(crash.rolling_out);
  EXPECT_EQ(crash.stalled, "no progress for 15s: why");
}

TEST(KubernetesWorkloadSight, AServiceIsPartOfIt) {
  auto spec = kube_spec();
  spec.kubernetes.ports = {{.name = "http", .port = 80, .target = 8080, .protocol = "TCP"}};
  const auto live = applied(spec);
  EXPECT_EQ(workload(live, spec).pending,
            std::vector<std::string>{"ports: a Service is declared, there is none"});
  auto service = *manifest_of(spec, {.namespace_ = "shop", .controller = "holdfast"}).service;
  service.find("spec")->set("clusterIP", "10.0.0.1");
  service.find("spec")->find("ports")->items()[0].set("nodePort", 30000);
  Sighting sighting{.deployment = std::make_shared<const Json>(live),
                    .service = std::make_shared<const Json>(service),
                    .services_seen = true,
                    .declared = std::make_shared<const ServiceSpec>(spec),
                    .options = {.namespace_ = "shop", .controller = "holdfast", .selector = {}}};
  EXPECT_EQ(look_at_workload(sighting, "").pending, std::vector<std::string>{});
  service.find("spec")->find("ports")->items()[0].set("targetPort", 9);
  sighting.service = std::make_shared<const Json>(service);
  EXPECT_EQ(look_at_workload(sighting, "").pending,
            std::vector<std::string>{"service: ports.80.targetPort: 8080 is declared, 9 is in force"});
  spec.kubernetes.ports.clear();
  sighting.declared = std::make_shared<const ServiceSpec>(spec);
  const auto pending = look_at_workload(sighting, "").pending;
  EXPECT_EQ(pending, std::vector<std::string>{"ports: none is declared, but there is a Service"});
}

}  // namespace
}  // namespace holdfast::kubernetes
