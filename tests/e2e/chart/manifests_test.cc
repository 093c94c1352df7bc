// The manifests: kustomize builds them, the API server takes them, and they are what the chart makes.
#include <gmock/gmock.h>

#include "tests/e2e/chart/render.h"

namespace holdfast::test {
namespace {

// What tells which tool made an object, and text that only means the same.
Json without_marks(Json object) {
  auto& metadata = *object.find("metadata");
  if (auto* labels = metadata.find("labels")) {
    for (const auto* label : {"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"})
      labels->erase(label);
  }
  metadata.erase("annotations");
  if (auto* spec = object.find("spec")) {
    if (auto* pod = spec->find("template")) pod->find("metadata")->erase("annotations");
  }
  if (auto* data = object.find("data")) {
    if (auto* document = data->find("holdfast.yaml")) *document = yaml(document->as_string());
  }
  return object;
}

// Kustomize has no tests, and whoever applies it makes the tokens.
bool is_helms_alone(const Json& object) {
  return object.at("metadata").at("annotations").find("helm.sh/hook") != nullptr ||
         object.at("kind").as_string() == "Secret";
}

void expect_same(const std::string& folder, const Values& values) {
  const auto manifests = manifest_objects(folder);
  std::vector<std::string> theirs, ours;
  for (const auto& [name, object] : chart_objects("holdfast", values)) {
    if (is_helms_alone(object)) continue;
    theirs.push_back(name);
    const auto found = manifests.find(name);
    if (found == manifests.end()) continue;
    const auto our = without_marks(found->second), their = without_marks(object);
    EXPECT_TRUE(our == their) << folder << ": " << name << "\nmanifests: " << dump_json(our)
                              << "\nchart:     " << dump_json(their);
  }
  for (const auto& [name, object] : manifests) ours.push_back(name);
  EXPECT_EQ(ours, theirs) << folder;
}

TEST(Manifests, AreWhatTheChartMakes) {
  expect_same("base", {});
  expect_same("overlays/ha", {"replicas=3"});
  expect_same("overlays/cluster-wide", {"rbac.clusterWide=true"});
  expect_same("overlays/metrics", {"metrics.serviceMonitor.enabled=true",
                                   "metrics.prometheusRule.enabled=true", "metrics.dashboard.enabled=true"});
}

TEST(Manifests, HoldDocumentsThatTheControllerUnderstands) {
  for (const auto* folder : {"base", "examples/site"}) {
    EXPECT_EQ(faults_of(manifest_objects(folder)["ConfigMap holdfast/holdfast-config"]), "") << folder;
  }
  std::vector<config::LayerText> layers{
      {"base", "holdfast.yaml", source_text("manifests/base/holdfast.yaml")}};
  for (const auto* file : {"web", "scale"}) {
    const auto object = yaml(source_text("manifests/examples/" + std::string(file) + ".yaml"));
    for (const auto& [key, text] : object.at("data").members())
      layers.push_back({"configmap", key, text.as_string()});
  }
  EXPECT_EQ(layers.size(), 3u);
  EXPECT_EQ(faults_of(layers), "");
}

// Kinds of the Prometheus operator, which is no part of a cluster; those that weren't there are taken away
// again.
class OperatorKinds {
 public:
  explicit OperatorKinds(const KubeWorld& world) : world_(world) {
    for (const auto& [plural, kind] :
         {std::pair{"servicemonitors", "ServiceMonitor"}, std::pair{"prometheusrules", "PrometheusRule"}}) {
      const std::string name = std::string(plural) + ".monitoring.coreos.com";
      if (world.kubectl({"get", "crd", name}).status == 0) continue;
      world.kubectl_ok({"create", "-f", "-"}, definition(name, plural, kind));
      world.kubectl_ok({"wait", "--for=condition=Established", "--timeout=60s", "crd/" + name});
      made_.push_back(name);
    }
  }
  ~OperatorKinds() {
    for (const auto& name : made_) world_.kubectl_ok({"delete", "crd", name, "--wait=false"});
  }
  OperatorKinds(const OperatorKinds&) = delete;
  OperatorKinds& operator=(const OperatorKinds&) = delete;

 private:
  static std::string definition(const std::string& name, const std::string& plural, const std::string& kind) {
    return R"({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": ")" +
           name +
           R"("}, "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": {"plural": ")" +
           plural + R"(", "kind": ")" + kind +
           R"("}, "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": )"
           R"({"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})";
  }

  const KubeWorld& world_;
  std::vector<std::string> made_;
};

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

TEST(Manifests, AreTakenByTheServer) {
  const KubeWorld world;
  const OperatorKinds kinds(world);
  const bool old = version_of(world.cluster()).starts_with("1.20.");
  for (const auto* folder :
       {"base", "overlays/ha", "overlays/cluster-wide", "overlays/metrics", "examples/site"}) {
    const auto built = kustomize(folder);
    ASSERT_EQ(built.status, 0) << folder << ": " << built.output;
    auto text = replaced(built.output, "namespace: holdfast\n", "namespace: " + world.ns() + "\n");
    if (old) text = replaced(text, "apiVersion: policy/v1\n", "apiVersion: policy/v1beta1\n");
    const auto taken = world.kubectl({"apply", "--dry-run=server", "-f", "-"}, text);
    EXPECT_EQ(taken.status, 0) << folder << ": " << taken.output;
  }
}

TEST(Manifests, LeaveEditsAlone) {
  const KubeWorld world;
  const auto text =
      replaced(kustomize("base").output, "namespace: holdfast\n", "namespace: " + world.ns() + "\n");
  world.kubectl_ok({"apply", "-f", "-"}, text);
  world.kubectl_ok(
      {"patch", "configmap", "holdfast", "--type=merge", "-p", R"({"data": {"edits.json": "{}"}})"});
  for (const auto* file : {"web", "scale"}) {
    world.kubectl_ok({"apply", "--server-side", "--field-manager=" + std::string(file), "-f",
                      source("manifests/examples/" + std::string(file) + ".yaml")});
  }
  world.kubectl_ok({"apply", "-f", "-"}, text);
  const auto data = parse_json(world.kubectl_ok({"get", "configmap", "holdfast", "-o", "jsonpath={.data}"}));
  ASSERT_TRUE(data);
  for (const auto* key : {"edits.json", "web.yaml", "z-night.yaml"})
    EXPECT_NE(data->find(key), nullptr) << key;
}

}  // namespace
}  // namespace holdfast::test
