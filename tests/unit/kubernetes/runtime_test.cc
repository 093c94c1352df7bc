// The runtime over an API server in memory, for what a real one does only now and then.
#include <atomic>
#include <set>

#include <gmock/gmock.h>

#include "runtimes/kubernetes/kubernetes_runtime.h"
#include "runtimes/kubernetes/names.h"
#include "tests/fakes/fake_kube_client.h"
#include "tests/support/support.h"
#include "tests/unit/kubernetes/specs.h"

namespace holdfast::kubernetes {
namespace {

using test::FakeKube;
using test::json;
using test::kube_spec;
using test::wait_until;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The runtime's client is gone before the server is.
class Borrowed final : public Client {
 public:
  using Webhook = std::function<void(Json& applied)>;  // as one that mutates what it admits
  Borrowed(FakeKube& kube, Webhook webhook) : kube_(kube), webhook_(std::move(webhook)) {}
  const std::string& default_namespace() const override { return kube_.default_namespace(); }
  const std::string& server() const override { return kube_.server(); }
  Result<std::string> version(Duration timeout) override { return kube_.version(timeout); }
  Result<std::optional<Json>> get(const Resource& resource, const std::string& in,
                                  const std::string& name) override {
    return kube_.get(resource, in, name);
  }
  Result<std::string> list(const Resource& resource, const Selection& selection,
                           const std::function<void(Json)>& each, const std::function<void()>& restart,
                           const std::stop_token& stop) override {
    return kube_.list(resource, selection, each, restart, stop);
  }
  std::unique_ptr<Watch> watch(const Resource& resource, const Selection& selection,
                               const std::string& version, Duration timeout,
                               WatchHandlers handlers) override {
    return kube_.watch(resource, selection, version, timeout, std::move(handlers));
  }
  Result<Json> create(const Resource& resource, const std::string& in, const Json& object) override {
    return kube_.create(resource, in, object);
  }
  Result<Json> update(const Resource& resource, const std::string& in, const Json& object) override {
    return kube_.update(resource, in, object);
  }
  Result<Json> apply(const Resource& resource, const std::string& in, const Json& object,
                     const ApplyOptions& options) override {
    auto admitted = object;
    if (webhook_) webhook_(admitted);
    return kube_.apply(resource, in, admitted, options);
  }
  Result<Json> patch(const Resource& resource, const std::string& in, const std::string& name,
                     const Json& patch) override {
    return kube_.patch(resource, in, name, patch);
  }
  Status remove(const Resource& resource, const std::string& in, const std::string& name,
                const DeleteOptions& options) override {
    return kube_.remove(resource, in, name, options);
  }
  Result<std::string> logs(const std::string& in, const std::string& pod,
                           const LogOptions& options) override {
    return kube_.logs(in, pod, options);
  }

 private:
  FakeKube& kube_;
  const Webhook webhook_;
};

class KubernetesRuntimeTest : public testing::Test {
 protected:
  KubernetesRuntimeTest() { start(); }

  void start(const std::string& controller = "holdfast") {
    runtime_.reset();
    KubernetesRuntimeOptions options;
    options.controller_name = controller;
    options.state_file = directory_ / "namespaces";
    options.link.first_retry = std::chrono::milliseconds{5};
    options.link.max_retry = std::chrono::milliseconds{20};
    runtime_ = make_kubernetes_runtime(clock_, options, [this]() -> Result<std::unique_ptr<Client>> {
      ++made_;
      if (no_config_) return fail(ErrorCode::kNotFound, "there is no kubeconfig", "set KUBECONFIG");
      return std::make_unique<Borrowed>(kube_, webhook_);
    });
    runtime_->on_change([this](const std::string& service) {
      const std::lock_guard lock(mutex_);
      told_.insert(service);
    });
    runtime_->on_note([this](const RuntimeNote& note) {
      const std::lock_guard lock(mutex_);
      notes_.push_back(note.type + " " + note.service + ": " + note.message);
    });
  }
  SpecPtr declare(const ServiceSpec& spec) {
    const auto kept = std::make_shared<const ServiceSpec>(spec);
    declared_[spec.name] = kept;
    runtime_->declare(declared_);
    return kept;
  }
  bool can_see(const std::string& service) {
    return wait_until([&] { return runtime_->observe(service).has_value(); });
  }
  Status apply(const ServiceSpec& spec, std::uint64_t nonce = 0) {
    const auto kept = declare(spec);
    EXPECT_TRUE(can_see(spec.name));
    return runtime_->execute(ApplyWorkload{spec.name, "test"}, {kept, nonce});
  }
  std::optional<ObservedWorkload> workload(const std::string& service = "web") {
    const auto seen = runtime_->observe(service);
    EXPECT_TRUE(seen) << seen.error().message;
    return seen ? seen->workload : std::nullopt;
  }
  Json live(const std::string& name = "web", const std::string& in = "default") {
    return kube_.get(kDeployments, in, name).value().value_or(Json());
  }
  void edit(const std::function<void(Json&)>& how, const std::string& name = "web") {
    auto object = live(name);
    how(object);
    kube_.put(kDeployments, object);
  }
  static Json pod(const std::string& name, const std::string& service = "web") {
    return json(R"({"metadata": {"name": ")" + name + R"(", "namespace": "default", "labels": {
      "holdfast.dev/service": ")" +
                service + R"(", "holdfast.dev/controller": "holdfast"}},
      "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
        {"name": "web", "restartCount": 0, "started": true, "state": {"running": {}}}]}})");
  }
  std::set<std::string> take_told() {
    kube_.settle();
    const std::lock_guard lock(mutex_);
    return std::exchange(told_, {});
  }
  std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

  test::TempDir directory_;
  SystemClock clock_;
  FakeKube kube_;
  std::atomic<int> made_ = 0;
  std::atomic<bool> no_config_ = false;
  Borrowed::Webhook webhook_;  // of the next client
  std::map<std::string, SpecPtr> declared_;
  std::mutex mutex_;
  std::set<std::string> told_;
  std::vector<std::string> notes_;
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(KubernetesRuntimeTest, LooksForNoClusterUntilAServiceWantsIt) {
  auto process = kube_spec();
  process.runtime = RuntimeKind::kProcess;
  declare(process);
  EXPECT_EQ(made_, 0);
  EXPECT_FALSE(runtime_->availability().available);
  EXPECT_THAT(runtime_->availability().message, HasSubstr("not looked for"));
  EXPECT_TRUE(runtime_->observe("web"));
  EXPECT_THAT(*runtime_->list_owned(), IsEmpty());
  EXPECT_TRUE(runtime_->execute(DeleteWorkload{"web", "test"}, {}));
  declare(kube_spec());
  EXPECT_TRUE(wait_until([&] { return runtime_->availability().available; }));
  EXPECT_THAT(runtime_->availability().message, HasSubstr("v1.20.2 at https://fake:6443"));
  EXPECT_EQ(made_, 1);
}

TEST_F(KubernetesRuntimeTest, SaysWhyThereIsNoCluster) {
  no_config_ = true;
  declare(kube_spec());
  ASSERT_TRUE(wait_until([&] { return runtime_->availability().known; }));
  EXPECT_EQ(runtime_->availability().message, "there is no kubeconfig (set KUBECONFIG)");
  EXPECT_FALSE(runtime_->observe("web"));
  no_config_ = false;
  EXPECT_TRUE(wait_until([&] { return runtime_->availability().available; }));
  EXPECT_TRUE(can_see("web"));
}

TEST_F(KubernetesRuntimeTest, SeesItsOwnWritesAtOnce) {
  declare(kube_spec());
  ASSERT_TRUE(can_see("web"));
  kube_.set_silent(true);
  ASSERT_TRUE(apply(kube_spec(), 3));
  ASSERT_TRUE(workload());
  EXPECT_EQ(workload()->restart_nonce, 3u);
  EXPECT_THAT(workload()->pending, IsEmpty());
  ASSERT_TRUE(runtime_->execute(ScaleWorkload{"web", 0, "test"}, {}));
  EXPECT_EQ(workload()->replicas, 0);
  ASSERT_TRUE(runtime_->execute(DeleteWorkload{"web", "test"}, {}));
  EXPECT_FALSE(workload());
  EXPECT_THAT(*runtime_->list_owned(), IsEmpty());
}

TEST_F(KubernetesRuntimeTest, BelievesTheServerAboutWhatOthersDidSince) {
  ASSERT_TRUE(apply(kube_spec()));
  edit([](Json& object) { object.find("spec")->set("replicas", 4); });
  ASSERT_TRUE(wait_until([&] { return workload()->replicas == 4; }));
  kube_.erase(kDeployments, "default", "web");
  EXPECT_TRUE(wait_until([&] { return !workload(); }));
}

TEST_F(KubernetesRuntimeTest, AsksNothingToObserve) {
  ASSERT_TRUE(apply(kube_spec()));
  kube_.settle();
  const auto before = kube_.calls().size();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(runtime_->observe("web"));
  EXPECT_TRUE(runtime_->list_owned());
  EXPECT_EQ(kube_.calls().size(), before);
}

TEST_F(KubernetesRuntimeTest, OutOfSightIsNotGone) {
  ASSERT_TRUE(apply(kube_spec()));
  kube_.set_unreachable(true);
  ASSERT_TRUE(wait_until([&] { return !runtime_->observe("web"); }));
  EXPECT_FALSE(runtime_->list_owned());
  EXPECT_FALSE(runtime_->execute(ApplyWorkload{"web", "test"}, {declared_["web"], 0}));
  EXPECT_TRUE(wait_until([&] { return !runtime_->availability().available; }));
  take_told();
  kube_.set_unreachable(false);
  EXPECT_TRUE(can_see("web"));
  EXPECT_TRUE(workload());
  EXPECT_TRUE(wait_until([&] { return runtime_->availability().available; }));
  EXPECT_TRUE(take_told().contains("web"));
}

TEST_F(KubernetesRuntimeTest, LeavesWhatIsNotItsOwn) {
  kube_.put(kDeployments, json(R"({"metadata": {"name": "web", "namespace": "default", "managedFields": [
    {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "old"}}}})"));
  auto spec = kube_spec();
  const auto refused = apply(spec);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(refused.error().terminal);
  EXPECT_THAT(refused.error().hint, HasSubstr("kubernetes.adopt: true"));
  EXPECT_EQ(live().at("spec").at("replicas"), Json(3));
  spec.kubernetes.adopt = true;
  ASSERT_TRUE(apply(spec));
  EXPECT_EQ(live().at("spec").at("replicas"), Json(1));
  EXPECT_EQ(live().at("spec").at("selector").at("matchLabels"), json(R"({"app": "old"})"));
  EXPECT_EQ(live().at("metadata").at("managedFields").items()[0].at("manager"), Json("holdfast"));
  EXPECT_TRUE(workload());
}

TEST_F(KubernetesRuntimeTest, LeavesWhatAnotherControllerOwns) {
  ASSERT_TRUE(apply(kube_spec()));
  start("second");
  const auto refused = apply(kube_spec());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("belongs to the Holdfast controller \"holdfast\""));
  EXPECT_THAT(*runtime_->list_owned(), IsEmpty());
  ASSERT_TRUE(runtime_->execute(DeleteWorkload{"web", "test"}, {}));
  EXPECT_FALSE(live().is_null());
}

TEST_F(KubernetesRuntimeTest, AForeignServiceIsRefusedBeforeAnythingIsWritten) {
  kube_.put(kServices, json(R"({"metadata": {"name": "web", "namespace": "default"}})"));
  auto spec = kube_spec();
  spec.kubernetes.ports = {{.name = "http", .port = 80, .target = 8080, .protocol = "TCP"}};
  EXPECT_FALSE(apply(spec));
  EXPECT_TRUE(live().is_null());
}

TEST_F(KubernetesRuntimeTest, AServiceComesAndGoesWithItsPorts) {
  auto spec = kube_spec();
  spec.kubernetes.ports = {{.name = "http", .port = 80, .target = 8080, .protocol = "TCP"}};
  ASSERT_TRUE(apply(spec));
  ASSERT_TRUE(*kube_.get(kServices, "default", "web"));
  EXPECT_THAT(workload()->pending, IsEmpty());
  kube_.erase(kServices, "default", "web");
  ASSERT_TRUE(wait_until([&] { return !workload()->pending.empty(); }));
  ASSERT_TRUE(apply(spec));
  EXPECT_THAT(workload()->pending, IsEmpty());
  spec.kubernetes.ports.clear();
  declare(spec);
  EXPECT_THAT(workload()->pending, testing::Contains(HasSubstr("there is a Service")));
  ASSERT_TRUE(apply(spec));
  EXPECT_FALSE(*kube_.get(kServices, "default", "web"));
}

TEST_F(KubernetesRuntimeTest, AScalersNumberIsKept) {
  auto spec = kube_spec();
  ASSERT_TRUE(apply(spec));
  kube_.put(kAutoscalers, json(R"({"metadata": {"name": "grow", "namespace": "default"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}})"));
  ASSERT_TRUE(wait_until([&] { return workload()->scaler == "HorizontalPodAutoscaler grow"; }));
  edit([](Json& object) { object.find("spec")->set("replicas", 6); });
  ASSERT_TRUE(wait_until([&] { return workload()->replicas == 6; }));
  EXPECT_THAT(workload()->pending, IsEmpty());
  spec.spec_hash = "hash-2";
  ASSERT_TRUE(apply(spec));
  EXPECT_EQ(workload()->replicas, 6);
  ASSERT_TRUE(runtime_->execute(ScaleWorkload{"web", 0, "test"}, {}));
  ASSERT_TRUE(apply(spec));
  EXPECT_EQ(workload()->replicas, 1) << "a scaler doesn't start what is at none";
}

TEST_F(KubernetesRuntimeTest, MayDoWithoutSeeingScalers) {
  kube_.fail_next("list", "horizontalpodautoscalers", {ErrorCode::kPermission, "not allowed", {}, false, {}},
                  1000, 403);
  EXPECT_TRUE(apply(kube_spec()));
}

TEST_F(KubernetesRuntimeTest, WhatItMayNotSeeIsAnErrorWithItsHint) {
  kube_.fail_next("list", "pods",
                  {ErrorCode::kPermission, "not allowed to list pods", "add a rule", false, {}}, 1000, 403);
  declare(kube_spec());
  ASSERT_TRUE(wait_until([&] {
    const auto seen = runtime_->observe("web");
    return !seen && seen.error().code == ErrorCode::kPermission;
  }));
  EXPECT_EQ(runtime_->observe("web").error().hint, "add a rule");
}

TEST_F(KubernetesRuntimeTest, AServiceThatMovesLeavesNothingBehind) {
  auto spec = kube_spec();
  spec.kubernetes.namespace_ = "old";
  ASSERT_TRUE(apply(spec));
  spec.kubernetes.namespace_ = "new";
  spec.spec_hash = "hash-2";
  ASSERT_TRUE(apply(spec));
  EXPECT_TRUE(live("web", "old").is_null());
  EXPECT_FALSE(live("web", "new").is_null());
}

TEST_F(KubernetesRuntimeTest, FindsWhatTheControllerBeforeItMade) {
  auto spec = kube_spec();
  spec.kubernetes.namespace_ = "far";
  ASSERT_TRUE(apply(spec));
  declared_.clear();
  start();
  runtime_->declare({});
  ASSERT_TRUE(wait_until([&] { return runtime_->list_owned().has_value(); }));
  EXPECT_THAT(*runtime_->list_owned(), ElementsAre("web"));
  ASSERT_TRUE(runtime_->execute(DeleteWorkload{"web", "test"}, {}));
  EXPECT_TRUE(live("web", "far").is_null());
}

TEST_F(KubernetesRuntimeTest, DoesNotFightTheClusterForever) {
  webhook_ = [](Json& applied) { applied.find("spec")->set("revisionHistoryLimit", 2); };
  start();
  ASSERT_TRUE(apply(kube_spec()));
  EXPECT_THAT(workload()->pending, IsEmpty()) << "what an apply doesn't change is no reason for another";
  edit([](Json& object) { object.find("spec")->set("replicas", 3); });
  ASSERT_TRUE(wait_until([&] { return workload()->replicas == 3; }));
  EXPECT_THAT(workload()->pending, ElementsAre("replicas: 1 is declared, 3 is in force"));
}

TEST_F(KubernetesRuntimeTest, TellsOnlyOfWhatChanged) {
  ASSERT_TRUE(apply(kube_spec()));
  kube_.put(kPods, pod("web-1"));
  ASSERT_TRUE(wait_until([&] { return runtime_->observe("web")->instances.size() == 1; }));
  ASSERT_TRUE(wait_until([&] { return take_told().contains("web"); }));
  auto same = pod("web-1");
  same.find("metadata")->set("managedFields", Json::array({"anything"}));
  same.find("status")->find("conditions")->items()[0].set("lastProbeTime", "now");
  kube_.put(kPods, same);
  auto other = pod("api-1", "api");
  kube_.put(kPods, other);
  std::set<std::string> told;
  ASSERT_TRUE(wait_until([&] {
    told.merge(take_told());
    return told.contains("api");
  }));
  EXPECT_FALSE(told.contains("web"));
}

TEST_F(KubernetesRuntimeTest, TellsEachWarningOnce) {
  ASSERT_TRUE(apply(kube_spec()));
  kube_.put(kPods, pod("web-1"));
  ASSERT_TRUE(wait_until([&] { return runtime_->observe("web")->instances.size() == 1; }));
  const auto at = format_rfc3339(clock_.wall());
  const auto event = [&](const std::string& name, const std::string& message) {
    return json(R"({"metadata": {"name": ")" + name + R"(", "namespace": "default"}, "type": "Warning",
      "involvedObject": {"kind": "Pod", "name": "web-1"}, "reason": "Unhealthy", "message": ")" +
                message + R"(", "lastTimestamp": ")" + at + R"("})");
  };
  kube_.put(kEvents, event("a", "Readiness probe failed: 503"));
  kube_.put(kEvents, event("b", "Readiness probe failed: 503"));
  kube_.put(kEvents, event("c", "Readiness probe failed: 500"));
  EXPECT_TRUE(wait_until([&] { return notes().size() == 2; }));
  EXPECT_THAT(notes(), ElementsAre("Unhealthy web: pod web-1: Readiness probe failed: 503",
                                   "Unhealthy web: pod web-1: Readiness probe failed: 500"));
  auto sick = pod("web-1");
  sick.find("status")->find("conditions")->items()[0].set("status", "False");
  sick.find("status")->find("conditions")->items()[0].set("reason", "ContainersNotReady");
  kube_.put(kPods, sick);
  EXPECT_TRUE(wait_until(
      [&] { return runtime_->observe("web")->instances[0].message == "Readiness probe failed: 500"; }));
}

TEST_F(KubernetesRuntimeTest, MergesTheLogsOfPods) {
  ASSERT_TRUE(apply(kube_spec()));
  kube_.put(kPods, pod("web-1"));
  kube_.put(kPods, pod("web-2"));
  kube_.set_logs("default", "web-1", "2026-01-01T00:00:01Z one\n2026-01-01T00:00:03Z three\n");
  kube_.set_logs("default", "web-2", "2026-01-01T00:00:02Z two\n");
  ASSERT_TRUE(wait_until([&] { return runtime_->observe("web")->instances.size() == 2; }));
  const auto lines = runtime_->logs()->read("web", {});
  ASSERT_TRUE(lines);
  std::vector<std::string> texts;
  for (const auto& line : *lines) texts.push_back(std::to_string(line.ordinal) + " " + line.text);
  EXPECT_THAT(texts, ElementsAre("0 one", "1 two", "0 three"));
}

TEST_F(KubernetesRuntimeTest, MeasuresWhereTheClusterDoes) {
  ASSERT_TRUE(apply(kube_spec()));
  kube_.put(kPods, pod("web-1"));
  kube_.put(kPodMetrics, json(R"({"metadata": {"name": "web-1", "namespace": "default",
    "labels": {"holdfast.dev/controller": "holdfast"}}, "containers": [
      {"usage": {"cpu": "250m", "memory": "8Mi"}}, {"usage": {"cpu": "1", "memory": "1Ki"}}]})"));
  ASSERT_TRUE(wait_until([&] { return runtime_->observe("web")->instances.size() == 1; }));
  const auto instances = runtime_->observe("web")->instances;
  std::vector<ResourceUsage> usage;
  ASSERT_TRUE(wait_until([&] {
    usage = runtime_->usage(instances);
    return usage.at(0).cpu_percent.has_value();
  }));
  EXPECT_DOUBLE_EQ(*usage[0].cpu_percent, 125);
  EXPECT_EQ(usage[0].memory_bytes, (8 << 20) + 1024);
  for (int i = 0; i < 10; ++i) runtime_->usage(instances);
  EXPECT_EQ(kube_.count("list pods.metrics.k8s.io"), 1u);
}

}  // namespace
}  // namespace holdfast::kubernetes
