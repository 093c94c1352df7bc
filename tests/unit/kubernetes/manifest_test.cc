#include "runtimes/kubernetes/manifest.h"

#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/pod_template.h"
#include "tests/unit/kubernetes/specs.h"

namespace holdfast::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::json;
using test::kube_spec;

const ManifestOptions kOptions{.namespace_ = "shop", .controller = "holdfast", .restart_nonce = 7};

Json pod_of(const ServiceSpec& spec) {
  return manifest_of(spec, kOptions).deployment.at("spec").at("template").at("spec");
}
Json container_in(const ServiceSpec& spec) {
  return pod_of(spec).at("containers").items().at(0);
}

TEST(KubernetesManifest, IsADeploymentOfTheServicesName) {
  auto spec = kube_spec();
  spec.replicas = 3;
  const auto manifest = manifest_of(spec, kOptions);
  EXPECT_EQ(dump_json_canonical(manifest.deployment), dump_json_canonical(json(R"({
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop",
      "labels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "web",
                 "app.kubernetes.io/managed-by": "holdfast", "holdfast.dev/service": "web",
                 "holdfast.dev/controller": "holdfast"},
      "annotations": {"holdfast.dev/spec-hash": "hash-1", "holdfast.dev/restart-nonce": "7"}},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"holdfast.dev/service": "web"}},
      "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
      "progressDeadlineSeconds": 600, "revisionHistoryLimit": 5, "paused": false,
      "template": {
        "metadata": {
          "labels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "web",
                     "app.kubernetes.io/managed-by": "holdfast", "holdfast.dev/service": "web",
                     "holdfast.dev/controller": "holdfast"},
          "annotations": {"holdfast.dev/spec-hash": "hash-1", "holdfast.dev/restart-nonce": "7",
                          "kubectl.kubernetes.io/default-container": "web"}},
        "spec": {"terminationGracePeriodSeconds": 30,
          "containers": [{"name": "web", "image": "shop/web:1", "args": ["serve", "--port=80"]}]}}}})")));
  EXPECT_FALSE(manifest.service);
  EXPECT_EQ(manifest.hash(), "hash-1");
  EXPECT_EQ(manifest.restart_nonce(), 7u);
}

TEST(KubernetesManifest, ReadsBackWhatItWrote) {
  auto spec = kube_spec();
  spec.kubernetes.ports = {{.name = "http", .port = 80, .target = 8080, .protocol = "TCP"}};
  const auto manifest = manifest_of(spec, kOptions);
  const auto again = manifest_from(to_json(manifest));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->deployment, manifest.deployment);
  EXPECT_EQ(again->service, manifest.service);
  EXPECT_FALSE(manifest_from(json(R"({"deployment": {}})")));
  EXPECT_FALSE(manifest_from(Json()));
}

TEST(KubernetesManifest, SecretsAreNamedAndPlainValuesWritten) {
  auto spec = kube_spec();
  spec.env["LEVEL"] = "debug";
  spec.env["PASSWORD"] = SecretRef{SecretRef::Source::kKubernetes, "db", "password"};
  EXPECT_EQ(container_in(spec).at("env"), json(R"([
    {"name": "LEVEL", "value": "debug"},
    {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}])"));
}

TEST(KubernetesManifest, LimitsAreAllThatIsAsked) {
  auto spec = kube_spec();
  spec.resources = {.cpu_millis = 1500, .memory_bytes = 512 << 20, .pids = 100};
  EXPECT_EQ(container_in(spec).at("resources"), json(R"({
    "limits": {"cpu": "1500m", "memory": "512Mi"}})"));
}

TEST(KubernetesManifest, AUsersNumberIsKept) {
  auto spec = kube_spec();
  spec.user = "1000";
  EXPECT_EQ(container_in(spec).at("securityContext"), json(R"({"runAsUser": 1000})"));
  spec.user = "1000:2000";
  EXPECT_EQ(container_in(spec).at("securityContext"), json(R"({"runAsUser": 1000, "runAsGroup": 2000})"));
}

TEST(KubernetesManifest, ChecksKeepTheirTiming) {
  auto spec = kube_spec();
  spec.health.startup =
      Probe{.check = HttpProbe{.port = 8080, .path = "/up"}, .success_threshold = 3, .failure_threshold = 30};
  spec.health.readiness =
      Probe{.check = HttpProbe{.host = "example.org", .port = 443, .path = "/", .tls = true},
            .initial_delay = milliseconds{1500},
            .interval = milliseconds{200},
            .timeout = milliseconds{2500},
            .success_threshold = 2};
  spec.health.liveness = Probe{.check = TcpProbe{.host = "localhost", .port = 9}};
  const auto container = container_in(spec);
  EXPECT_EQ(container.at("startupProbe"), json(R"({
    "httpGet": {"port": 8080, "path": "/up", "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1,
    "successThreshold": 1, "failureThreshold": 30})"));
  EXPECT_EQ(container.at("readinessProbe"), json(R"({
    "httpGet": {"host": "example.org", "port": 443, "path": "/", "scheme": "HTTPS"}, "initialDelaySeconds": 2,
    "periodSeconds": 1, "timeoutSeconds": 3, "successThreshold": 2, "failureThreshold": 3})"));
  EXPECT_EQ(container.at("livenessProbe").at("tcpSocket"), json(R"({"port": 9})"));
}

TEST(KubernetesManifest, ChecksThatNoKubeletMakesAreLeftOut) {
  auto spec = kube_spec();
  spec.health.readiness = Probe{.check = NotifyProbe{}};
  spec.health.liveness = Probe{.check = HeartbeatProbe{}};
  spec.health.startup = Probe{.check = ExecProbe{{"true"}}};
  const auto container = container_in(spec);
  EXPECT_EQ(container.find("readinessProbe"), nullptr);
  EXPECT_EQ(container.find("livenessProbe"), nullptr);
  EXPECT_EQ(container.at("startupProbe").at("exec"), json(R"({"command": ["true"]})"));
  EXPECT_TRUE(check_spec(spec)) << "one config runs on every runtime";
}

TEST(KubernetesManifest, PortsMakeAService) {
  auto spec = kube_spec();
  spec.kubernetes.ports = {{.name = "http", .port = 80, .target = 8080, .protocol = "TCP"},
                           {.name = "", .port = 81, .target = 8080, .protocol = "TCP"},
                           {.name = "a-name-that-is-too-long", .port = 53, .target = 53, .protocol = "UDP"}};
  spec.kubernetes.service_type = "NodePort";
  const auto manifest = manifest_of(spec, kOptions);
  ASSERT_TRUE(manifest.service);
  EXPECT_EQ(manifest.service->at("spec"), json(R"({
    "type": "NodePort", "selector": {"holdfast.dev/service": "web"}, "ports": [
      {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"},
      {"name": "port-81", "port": 81, "targetPort": 8080, "protocol": "TCP"},
      {"name": "a-name-that-is-too-long", "port": 53, "targetPort": 53, "protocol": "UDP"}]})"));
  EXPECT_EQ(manifest.service->at("metadata").at("labels").at(kServiceLabel), Json("web"));
  EXPECT_EQ(container_in(spec).at("ports"), json(R"([
    {"containerPort": 8080, "protocol": "TCP", "name": "http"}, {"containerPort": 53, "protocol": "UDP"}])"));
}

TEST(KubernetesManifest, StrategyIsWrittenInTheClustersForm) {
  auto spec = kube_spec();
  spec.kubernetes.max_surge = "1";
  spec.kubernetes.max_unavailable = "0";
  spec.kubernetes.progress_deadline = milliseconds{1500};
  auto out = manifest_of(spec, kOptions).deployment.at("spec");
  EXPECT_EQ(out.at("strategy").at("rollingUpdate"), json(R"({"maxSurge": 1, "maxUnavailable": 0})"));
  EXPECT_EQ(out.at("progressDeadlineSeconds"), Json(2));
  spec.kubernetes.strategy = "Recreate";
  EXPECT_EQ(manifest_of(spec, kOptions).deployment.at("spec").at("strategy"),
            json(R"({"type": "Recreate"})"));
}

TEST(KubernetesManifest, LabelsThatAreNoneBecomeAnnotations) {
  auto spec = kube_spec();
  spec.labels = {{"team", "shop"}, {"example.org/owner", "jane"}, {"note", "two words"}, {"bad key", "x"}};
  const auto manifest = manifest_of(spec, kOptions);
  const auto& metadata = manifest.deployment.at("metadata");
  EXPECT_EQ(metadata.at("labels").at("team"), Json("shop"));
  EXPECT_EQ(metadata.at("labels").at("example.org/owner"), Json("jane"));
  EXPECT_EQ(metadata.at("annotations").at("note"), Json("two words"));
  EXPECT_EQ(dump_json(manifest.deployment).find("bad key"), std::string::npos);
  const auto& pod = manifest.deployment.at("spec").at("template").at("metadata");
  EXPECT_EQ(pod.at("labels").find("team"), nullptr) << "a label replaces no pod";
}

TEST(KubernetesManifest, NoLabelReplacesHoldfastsOwn) {
  auto spec = kube_spec();
  spec.labels = {{"app.kubernetes.io/managed-by", "me"}, {kServiceLabel, "other"}};
  const auto manifest = manifest_of(spec, kOptions);
  EXPECT_EQ(manifest.deployment.at("metadata").at("labels").at(kManagedByLabel), Json("holdfast"));
  EXPECT_EQ(manifest.deployment.at("metadata").at("labels").at(kServiceLabel), Json("web"));
}

TEST(KubernetesPodTemplate, LiesBelowTheSpec) {
  auto spec = kube_spec();
  spec.env["LEVEL"] = "debug";
  spec.kubernetes.pod_template = json(R"({
    "metadata": {"labels": {"tier": "front", "holdfast.dev/service": "stolen"}, "annotations": {"a": "b"}},
    "spec": {
      "nodeSelector": {"disk": "ssd"}, "terminationGracePeriodSeconds": 5,
      "containers": [
        {"name": "helper", "image": "helper:1"},
        {"name": "web", "image": "overruled", "command": ["/bin/web"], "args": ["overruled"],
         "env": [{"name": "LEVEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                 {"name": "REGION", "value": "north"}],
         "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
      "volumes": [{"name": "data", "emptyDir": {}}]}})");
  const auto manifest = manifest_of(spec, kOptions);
  const auto& pod = manifest.deployment.at("spec").at("template");
  EXPECT_EQ(pod.at("metadata").at("labels").at("tier"), Json("front"));
  EXPECT_EQ(pod.at("metadata").at("labels").at(kServiceLabel), Json("web"));
  EXPECT_EQ(pod.at("metadata").at("annotations").at("a"), Json("b"));
  EXPECT_EQ(pod.at("spec").at("nodeSelector"), json(R"({"disk": "ssd"})"));
  EXPECT_EQ(pod.at("spec").at("terminationGracePeriodSeconds"), Json(30));
  ASSERT_EQ(pod.at("spec").at("containers").items().size(), 2u);
  EXPECT_EQ(pod.at("spec").at("containers").items()[1], json(R"({
    "name": "web", "image": "shop/web:1", "command": ["/bin/web"], "args": ["serve", "--port=80"],
    "env": [{"name": "LEVEL", "value": "debug"}, {"name": "REGION", "value": "north"}],
    "volumeMounts": [{"name": "data", "mountPath": "/data"}]})"));
}

TEST(KubernetesPodTemplate, AmountsAreTexts) {
  auto spec = kube_spec();
  spec.kubernetes.pod_template = json(R"({"spec": {
    "initContainers": [{"name": "first", "resources": {"requests": {"cpu": 1}}}],
    "containers": [{"name": "web", "resources": {"limits": {"cpu": 0.5, "memory": 1048576}}}],
    "volumes": [{"name": "data", "emptyDir": {"sizeLimit": 1024}}]}})");
  const auto pod = pod_of(spec);
  EXPECT_EQ(pod.at("initContainers").items()[0].at("resources"), json(R"({"requests": {"cpu": "1"}})"));
  EXPECT_EQ(container_in(spec).at("resources"), json(R"({"limits": {"cpu": "0.5", "memory": "1048576"}})"));
  EXPECT_EQ(pod.at("volumes").items()[0].at("emptyDir"), json(R"({"sizeLimit": "1024"})"));
}

TEST(KubernetesPodTemplate, TheFirstContainerIsTheServicesUnlessOneHasItsName) {
  auto spec = kube_spec();
  spec.kubernetes.pod_template = json(R"({"spec": {"containers": [{"name": "main"}, {"name": "side"}]}})");
  EXPECT_EQ(own_container(spec), "main");
  EXPECT_EQ(pod_template_of(spec).at("spec").at("containers").items()[0].at("image"), Json("shop/web:1"));
  spec.kubernetes.pod_template = json(R"({"spec": {"containers": [{"image": "x"}]}})");
  EXPECT_EQ(own_container(spec), "web");
  spec.kubernetes.pod_template = {};
  EXPECT_EQ(own_container(spec), "web");
}

TEST(KubernetesCheckSpec, RefusesWhatNoDeploymentCanDo) {
  const auto refused = [](const ServiceSpec& spec, const std::string& hint) {
    const auto status = check_spec(spec);
    ASSERT_FALSE(status) << hint;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(status.error().terminal);
    EXPECT_NE(status.error().hint.find(hint), std::string::npos) << status.error().hint;
  };
  EXPECT_TRUE(check_spec(kube_spec()));
  auto spec = kube_spec();
  spec.kubernetes.image.clear();
  refused(spec, "kubernetes.image");
  spec.kubernetes.pod_template = json(R"({"spec": {"containers": [{"name": "web", "image": "x"}]}})");
  EXPECT_TRUE(check_spec(spec));
  spec = kube_spec();
  spec.restart.mode = RestartMode::kNever;
  refused(spec, "restart.policy: always");
  spec = kube_spec();
  spec.env["TOKEN"] = SecretRef{SecretRef::Source::kFile, "/run/token", ""};
  refused(spec, "Kubernetes Secret");
  spec = kube_spec();
  spec.user = "www-data";
  refused(spec, "number");
}

TEST(KubernetesManifest, RunsWhatAsksForIt) {
  auto spec = kube_spec();
  EXPECT_TRUE(runs_in_kubernetes(spec, false));
  spec.runtime = RuntimeKind::kAuto;
  EXPECT_FALSE(runs_in_kubernetes(spec, false));
  EXPECT_TRUE(runs_in_kubernetes(spec, true));
  spec.kubernetes.image.clear();
  EXPECT_FALSE(runs_in_kubernetes(spec, true));
  EXPECT_EQ(namespace_of(spec, "default"), "default");
  spec.kubernetes.namespace_ = "shop";
  EXPECT_EQ(namespace_of(spec, "default"), "shop");
}

TEST(KubernetesManifest, KeepsTheSelectorOfWhatExists) {
  auto options = kOptions;
  options.selector = json(R"({"matchLabels": {"app": "old"}})");
  const auto manifest = manifest_of(kube_spec(), options);
  EXPECT_EQ(manifest.deployment.at("spec").at("selector"), options.selector);
  EXPECT_EQ(manifest.deployment.at("spec").at("template").at("metadata").at("labels").at("app"), Json("old"));
}

}  // namespace
}  // namespace holdfast::kubernetes
