#include "runtimes/kubernetes/drift.h"

#include "runtimes/kubernetes/manifest.h"
#include "runtimes/kubernetes/quantity.h"
#include "runtimes/kubernetes/removal.h"
#include "tests/unit/kubernetes/specs.h"

namespace holdfast::kubernetes {
namespace {

using test::json;
using test::kube_spec;

// What an API server makes of a manifest: defaults, other forms, the work of others.
Json served(const ServiceSpec& spec) {
  auto object = manifest_of(spec, {.namespace_ = "shop", .controller = "holdfast"}).deployment;
  auto& metadata = *object.find("metadata");
  metadata.set("uid", "u-1");
  metadata.find("annotations")->set("deployment.kubernetes.io/revision", "1");
  auto& pod = *object.find("spec")->find("template")->find("spec");
  pod.set("dnsPolicy", "ClusterFirst");
  auto& container = pod.find("containers")->items()[0];
  container.set("imagePullPolicy", "IfNotPresent");
  return object;
}
Json& served_container(Json& object) {
  return object.find("spec")->find("template")->find("spec")->find("containers")->items()[0];
}
Json declared(const ServiceSpec& spec) {
  return manifest_of(spec, {.namespace_ = "shop", .controller = "holdfast"}).deployment;
}
std::vector<std::string> sentences(const Json& wanted, const Json& actual, const Json& foreign = {}) {
  std::vector<std::string> out;
  for (const auto& difference : differences(wanted, actual))
    out.push_back(sentence(difference, manager_of(difference, foreign)));
  return out;
}

TEST(KubernetesQuantity, ComparesAmountsNotTexts) {
  EXPECT_TRUE(same_quantity("1000m", "1"));
  EXPECT_TRUE(same_quantity("512Mi", std::int64_t{536870912}));
  EXPECT_TRUE(same_quantity("0.5", "500m"));
  EXPECT_TRUE(same_quantity("1e3", "1k"));
  EXPECT_TRUE(same_quantity("1Gi", "1024Mi"));
  EXPECT_FALSE(same_quantity("1G", "1Gi"));
  EXPECT_FALSE(same_quantity("1001m", "1"));
  EXPECT_FALSE(same_quantity("many", "1"));
  EXPECT_TRUE(same_quantity("many", "many"));
  EXPECT_FALSE(parse_quantity("1Q"));
  EXPECT_EQ(cpu_text(2000), "2");
  EXPECT_EQ(bytes_text(1000), "1000");
}

TEST(KubernetesDrift, DefaultsAndAdditionsAreNone) {
  auto spec = kube_spec();
  spec.resources = {.cpu_millis = 1000, .memory_bytes = 1 << 30, .pids = {}};
  spec.kubernetes.pod_template = json(R"({"spec": {"hostNetwork": false, "nodeSelector": {}, "volumes": [
    {"name": "data", "emptyDir": {"sizeLimit": "1024Mi"}}]}})");
  auto object = served(spec);
  served_container(object).find("resources")->find("limits")->set("cpu", "1000m");
  served_container(object).find("resources")->find("limits")->set("memory", "1024Mi");
  auto& pod = *object.find("spec")->find("template")->find("spec");
  pod.erase("hostNetwork");
  pod.erase("nodeSelector");
  pod.find("volumes")->items()[0].find("emptyDir")->set("sizeLimit", "1Gi");
  pod.find("containers")
      ->items()
      .insert(pod.find("containers")->items().begin(), json(R"({"name": "injected", "image": "mesh:1"})"));
  EXPECT_EQ(sentences(declared(spec), object), std::vector<std::string>{});
}

TEST(KubernetesDrift, TellsFieldAndValues) {
  auto spec = kube_spec();
  spec.replicas = 2;
  spec.resources.memory_bytes = 512 << 20;
  auto object = served(spec);
  object.find("spec")->set("replicas", 5);
  served_container(object).set("image", "shop/web:2");
  served_container(object).find("resources")->find("limits")->set("memory", "1Gi");
  served_container(object).set("args", json(R"(["serve"])"));
  object.find("spec")->find("template")->find("spec")->set("terminationGracePeriodSeconds", 1);
  EXPECT_EQ(sentences(declared(spec), object),
            (std::vector<std::string>{"replicas: 2 is declared, 5 is in force",
                                      "image: shop/web:1 is declared, shop/web:2 is in force",
                                      "args: [\"serve\",\"--port=80\"] is declared, [\"serve\"] is in force",
                                      "resources.limits.memory: 512Mi is declared, 1Gi is in force",
                                      "terminationGracePeriodSeconds: 30 is declared, 1 is in force"}));
}

TEST(KubernetesDrift, ShowsNoValueOfTheEnvironment) {
  auto spec = kube_spec();
  spec.env["TOKEN"] = "hunter2";
  spec.env["LEVEL"] = "debug";
  auto object = served(spec);
  auto& env = served_container(object).find("env")->items();
  env[1].set("value", "hunter3");
  env.erase(env.begin());
  EXPECT_EQ(sentences(declared(spec), object),
            (std::vector<std::string>{"env LEVEL: the declared value is not in force",
                                      "env TOKEN: the declared value is not in force"}));
  served_container(object).erase("env");
  const auto all = sentences(declared(spec), object);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].find("hunter"), std::string::npos) << all[0];
}

TEST(KubernetesDrift, NamesItemsOfLists) {
  auto spec = kube_spec();
  spec.kubernetes.ports = {{.name = "http", .port = 80, .target = 8080, .protocol = "TCP"}};
  spec.kubernetes.pod_template = json(R"({"spec": {"containers": [
    {"name": "web"}, {"name": "side", "image": "side:1"}]}})");
  auto object = served(spec);
  served_container(object).find("ports")->items()[0].set("name", "web");
  object.find("spec")->find("template")->find("spec")->find("containers")->items()[1].set("image", "side:2");
  EXPECT_EQ(sentences(declared(spec), object),
            (std::vector<std::string>{"ports.8080.name: http is declared, web is in force",
                                      "side.image: side:1 is declared, side:2 is in force"}));
}

TEST(KubernetesDrift, NamesWhoDidIt) {
  const auto managed = json(R"([
    {"manager": "holdfast", "operation": "Apply", "time": "2026-01-01T00:00:00Z",
     "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    {"manager": "kube-controller-manager", "time": "2026-01-03T00:00:00Z",
     "fieldsV1": {"f:status": {"f:replicas": {}}}},
    {"manager": "kubectl-edit", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {
      "f:containers": {"k:{\"name\":\"web\"}": {"f:image": {}, "f:args": {}}}}}}}},
    {"manager": "kubectl-set", "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {
      "f:containers": {"k:{\"name\":\"web\"}": {"f:image": {}}}}}}}}])");
  const auto foreign = foreign_fields(managed);
  EXPECT_EQ(foreign.items().size(), 2u);
  const auto spec = kube_spec();
  auto object = served(spec);
  object.find("spec")->set("replicas", 5);
  served_container(object).set("image", "shop/web:2");
  served_container(object).set("args", json(R"(["serve"])"));
  EXPECT_EQ(sentences(declared(spec), object, foreign),
            (std::vector<std::string>{
                "replicas: 1 is declared, 5 is in force",
                "image: shop/web:1 is declared, shop/web:2 is in force (by kubectl-set)",
                "args: [\"serve\",\"--port=80\"] is declared, [\"serve\"] is in force (by kubectl-edit)"}));
  EXPECT_TRUE(foreign_fields(json(R"([{"manager": "holdfast", "fieldsV1": {"f:spec": {}}}])")).is_null());
}

TEST(KubernetesRemoval, TakesOutWhatIsNoLongerDeclared) {
  auto live = json(R"({"replicas": 2, "template": {"spec": {"dnsPolicy": "ClusterFirst", "containers": [
    {"name": "mesh", "image": "m"},
    {"name": "web", "image": "w", "args": ["a"], "readinessProbe": {"tcpSocket": {"port": 1}, "timeoutSeconds": 1},
     "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "THEIRS", "value": "3"}]}]}}})");
  const auto before = json(R"({"replicas": 2, "template": {"spec": {"containers": [
    {"name": "web", "image": "w", "args": ["a"], "readinessProbe": {"tcpSocket": {"port": 1}},
     "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]}}})");
  const auto declared = json(R"({"replicas": 2, "template": {"spec": {"containers": [
    {"name": "web", "image": "w2", "args": ["b"], "env": [{"name": "B", "value": "2"}]}]}}})");
  EXPECT_TRUE(take_out(live, before, declared));
  EXPECT_EQ(live, json(R"({"replicas": 2, "template": {"spec": {"dnsPolicy": "ClusterFirst", "containers": [
    {"name": "mesh", "image": "m"},
    {"name": "web", "image": "w", "args": ["a"],
     "env": [{"name": "B", "value": "2"}, {"name": "THEIRS", "value": "3"}]}]}}})"));
  EXPECT_FALSE(take_out(live, before, declared));
}

}  // namespace
}  // namespace holdfast::kubernetes
