// What the chart renders, with many values: the API server takes it, the controller understands its document,
// and wrong values are told.
#include <gmock/gmock.h>

#include "tests/e2e/chart/render.h"

namespace holdfast::test {
namespace {

using ::testing::HasSubstr;

const std::vector<Values>& combinations() {
  static const std::vector<Values> kAll{
      {},
      {"replicas=3"},
      {"replicas=3", "podDisruptionBudget.enabled=false", "topologySpreadConstraints[0].maxSkew=2",
       "topologySpreadConstraints[0].topologyKey=zone",
       "topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule"},
      {"leaderElection.enabled=false"},
      {"services.web.replicas=2", "services.web.kubernetes.image=nginx:1.27",
       "services.web.kubernetes.ports={80}"},
      {"config.defaults.resources.memory=64Mi", "config.controller.resync=1m", "config.streaming.service=x"},
      {"auth.existingSecret=mine", "auth.existingSecretKey=people"},
      {"auth.kubernetes=true"},
      {"auth.insecure=true"},
      {"tls.existingSecret=cert", "service.port=443"},
      {"service.type=NodePort", "service.nodePort=30010", "service.annotations.a=b"},
      {"ingress.enabled=true", "ingress.hosts={a.example,b.example}", "ingress.className=nginx",
       "ingress.tls[0].secretName=x", "ingress.tls[0].hosts={a.example}"},
      {"networkPolicy.enabled=true"},
      {"networkPolicy.enabled=true", "networkPolicy.from[0].namespaceSelector.matchLabels.team=ops",
       "networkPolicy.egress[0].ports[0].port=443", "metrics.enabled=false"},
      {"rbac.create=false", "serviceAccount.create=false", "serviceAccount.name=other"},
      {"rbac.namespaces={NAMESPACE,kube-public}"},
      {"rbac.clusterWide=true"},
      {"uninstall.removeServices=true", "rbac.namespaces={kube-public}"},
      {"uninstall.removeServices=true", "rbac.clusterWide=true"},
      {"metrics.dashboard.enabled=true", "metrics.port=9000"},
      {"persistence.enabled=true", "persistence.storageClass=-"},
      {"persistence.enabled=true", "persistence.existingClaim=mine"},
      {"image.repository=registry.example:5000/x/holdfast", "imagePullSecrets[0].name=pull",
       "image.digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
      {"extraArgs={--overlay=/etc/more}", "env[0].name=A", "env[0].value=b", "envFrom[0].configMapRef.name=e",
       "volumes[0].name=more", "volumes[0].configMap.name=more", "volumeMounts[0].name=more",
       "volumeMounts[0].mountPath=/etc/more", "podAnnotations.a=b", "podLabels.c=d", "nodeSelector.disk=fast",
       "tolerations[0].operator=Exists", "priorityClassName=high", "logging.format=json"},
      {"fullnameOverride=keeper", "replicas=2", "metrics.dashboard.enabled=true"},
  };
  return kAll;
}

std::vector<size_t> indices() {
  std::vector<size_t> out(combinations().size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

Values values_for(size_t index, const std::string& ns) {
  auto values = combinations()[index];
  for (auto& value : values) {
    if (const auto at = value.find("NAMESPACE"); at != std::string::npos) value.replace(at, 9, ns);
  }
  return values;
}

class Combination : public ::testing::TestWithParam<size_t> {};

TEST_P(Combination, IsTakenByTheServerAndUnderstoodByTheController) {
  const KubeWorld world;
  const auto text =
      helm_template(world.ns(), values_for(GetParam(), world.ns()), version_of(world.cluster()));
  ASSERT_EQ(text.status, 0) << text.output;
  const auto taken = world.cluster().kubectl({"apply", "--dry-run=server", "-f", "-"}, text.output);
  EXPECT_EQ(taken.status, 0) << taken.output;
  const auto objects = objects_in(text.output);
  size_t documents = 0;
  for (const auto& [name, object] : objects) {
    if (!name.starts_with("ConfigMap ") || !name.ends_with("-config")) continue;
    ++documents;
    EXPECT_EQ(faults_of(object), "") << object.at("data").at("holdfast.yaml").as_string();
  }
  EXPECT_EQ(documents, 1u);
}
INSTANTIATE_TEST_SUITE_P(OfValues, Combination, ::testing::ValuesIn(indices()));

TEST(Chart, LintsStrictly) {
  const auto done = run_program({"helm", "lint", "--strict", source("charts/holdfast")});
  EXPECT_EQ(done.status, 0) << done.output;
}

TEST(Chart, ChoosesVersionsOfApisByTheCluster) {
  EXPECT_THAT(helm_template("n", {"replicas=2"}, "1.20.0").output, HasSubstr("apiVersion: policy/v1beta1\n"));
  EXPECT_THAT(helm_template("n", {"replicas=2"}, "1.21.0").output, HasSubstr("apiVersion: policy/v1\n"));
  EXPECT_THAT(helm_template("n", {"replicas=2"}, "1.35.0-eks-1").output,
              HasSubstr("apiVersion: policy/v1\n"));
  EXPECT_NE(helm_template("n", {}, "1.19.0").status, 0);
}

TEST(Chart, TellsWrongValues) {
  const std::vector<std::pair<Values, std::string>> kWrong{
      {{"replica=2"}, "additional properties 'replica' not allowed"},
      {{"replicas=two"}, "at '/replicas': got string, want integer"},
      {{"image.pullPolicy=always"}, "at '/image/pullPolicy': value must be one of"},
      {{"image.digest=latest"}, "at '/image/digest'"},
      {{"auth.tokens={hf_1234_secret}"}, "at '/auth/tokens/0'"},
      {{"services.Web.replicas=1"}, "invalid propertyName 'Web'"},
      {{"services.web.desired=started"}, "at '/services/web/desired'"},
      {{"config.service.web=x"}, "at '/config': additional properties 'service' not allowed"},
      {{"leaderElection.leaseDuration=15"}, "at '/leaderElection/leaseDuration': got number, want string"},
      {{"logging.level=warn"}, "at '/logging/level'"},
      {{"metrics.port=8010"}, "at '/metrics/port'"},
      {{"rbac.namespaces={A}"}, "at '/rbac/namespaces/0'"},
      {{"resources.request.cpu=1"}, "at '/resources': additional properties 'request' not allowed"},
      {{"replicas=2", "leaderElection.enabled=false"}, "replicas above 1 need leaderElection.enabled"},
      {{"replicas=2", "persistence.enabled=true"}, "persistence serves one replica"},
      {{"auth.insecure=true", "auth.kubernetes=true"}, "auth.insecure asks nobody for a token"},
      {{"ingress.enabled=true"}, "ingress.hosts is empty"},
  };
  for (const auto& [values, words] : kWrong) {
    const auto done = helm_template("n", values);
    EXPECT_NE(done.status, 0) << values[0];
    EXPECT_THAT(done.output, HasSubstr(words)) << values[0];
  }
}

// A pod that waits for its node, an upgrade or a lost node leads to two controllers for a while.
TEST(Chart, NeverLetsTwoControllersAct) {
  const auto strategy = [](const Values& values) {
    return chart_objects("n", values)["Deployment n/holdfast"]
        .at("spec")
        .at("strategy")
        .at("type")
        .as_string();
  };
  EXPECT_EQ(strategy({}), "RollingUpdate");  // with a Lease
  EXPECT_EQ(strategy({"leaderElection.enabled=false"}), "Recreate");
  EXPECT_EQ(strategy({"persistence.enabled=true"}), "Recreate");
}

TEST(Chart, RestartsTheControllerForItsSettingsAndNotForServices) {
  const auto pod = [](const Values& values) {
    return chart_objects("n", values)["Deployment n/holdfast"].at("spec").at("template");
  };
  const auto before = pod({});
  EXPECT_EQ(pod({"services.web.kubernetes.image=nginx", "config.defaults.replicas=2"}), before);
  EXPECT_NE(pod({"config.controller.workers=8"}), before);
  EXPECT_NE(pod({"allowedHosts={a}"}), before);
}

}  // namespace
}  // namespace holdfast::test
