// The chart and the manifests from install to uninstall, in a cluster that runs what they make.
#include <filesystem>

#include "controller/base/file.h"
#include "tests/e2e/kube_cluster/installation.h"

namespace holdfast::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Release : public Installation {
 protected:
  void expect_ok(const Finished& done) const { EXPECT_EQ(done.status, 0) << done.output << told(); }
  [[nodiscard]] std::string uid_of_web() const {
    return world_.kubectl_ok({"get", "deployment", "web", "-o", "jsonpath={.metadata.uid}"});
  }
  void expect_no_controller() const {
    EXPECT_TRUE(wait_until([&] {
      return world_.kubectl_ok({"get", "pods", "-l", "app.kubernetes.io/component=controller", "-o", "name"})
          .empty();
    }));
  }
};

TEST_F(Release, IsTakenByHelmAndByTheServerBeforeAnythingIsMade) {
  expect_ok(helm({"lint", source("charts/holdfast")}));
  const auto text = helm_with({"template", "--kube-version", "1.20.2"}, {"replicas=3"});
  ASSERT_EQ(text.status, 0) << text.output;
  expect_ok(world_.kubectl({"apply", "--dry-run=server", "-f", "-"}, text.output));
}

TEST_F(Release, IsInstalledTestedUpgradedAndUninstalledAndServicesStay) {
  install({});
  expect_ok(helm({"test", "holdfast", "--timeout", "60s"}));
  expect_pods_of_web(1, "installed");
  const auto uid = uid_of_web(), pod = pods_of_web().at(0), before = controllers().at(0);

  // A setting of the controller, and a service: the one replaces its pods, the other is in force.
  expect_ok(helm_with({"upgrade", "--wait", "--timeout", "90s"},
                      {"replicas=2", "config.controller.resync=1m", "services.web.replicas=2"}));
  expect_pods_of_web(2, "upgraded");
  EXPECT_THAT(controllers(), testing::AllOf(testing::SizeIs(2), testing::Not(testing::Contains(before))));
  EXPECT_THAT(pods_of_web(), testing::Contains(pod)) << "it runs on meanwhile";
  expect_ok(helm({"test", "holdfast", "--timeout", "60s"}));

  expect_ok(helm({"uninstall", "holdfast", "--wait", "--timeout", "60s"}));
  expect_no_controller();
  EXPECT_EQ(uid_of_web(), uid);
  EXPECT_THAT(pods_of_web(), testing::Contains(pod));

  install({"services.web.replicas=2"});  // finds it again
  const ForwardedApi api(world_, "service/holdfast", token());
  EXPECT_TRUE(wait_until([&] { return api.service("web").at("ready").as_bool(); }));
  EXPECT_EQ(uid_of_web(), uid);
  EXPECT_THAT(pods_of_web(), testing::Contains(pod));
}

TEST_F(Release, RemovesServicesWhenItIsUninstalledIfThatWasSaid) {
  install({});
  expect_pods_of_web(1, "installed");
  world_.kubectl_ok({"create", "deployment", "other", "--image", world_.image()});
  expect_ok(helm_with({"upgrade", "--wait", "--timeout", "90s"}, {"uninstall.removeServices=true"}));
  expect_ok(helm({"uninstall", "holdfast", "--wait", "--timeout", "120s"}));
  EXPECT_EQ(world_.kubectl_ok({"get", "deployments", "-o", "name"}), "deployment.apps/other");
  EXPECT_EQ(world_.kubectl_ok({"get", "jobs", "-o", "name"}), "");
}

// As docs say: the overlay of three replicas, with a namespace, an image and tokens of one's own.
class Manifests : public Release {
 protected:
  [[nodiscard]] std::string site() const {
    fs::copy(source("manifests"), dir_ / "manifests", fs::copy_options::recursive);
    fs::create_directories(dir_ / "site");
    const auto written = write_file_atomically(
        dir_ / "site/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: " + world_.ns() +
            "\nresources: [../manifests/overlays/ha]\nimages: [{name: holdfast, newTag: latest}]\n"
            "patches:\n  - target: {kind: PodDisruptionBudget}\n"
            "    patch: '[{\"op\": \"replace\", \"path\": \"/apiVersion\", \"value\": "
            "\"policy/v1beta1\"}]'\n");  // Kubernetes 1.20
    EXPECT_TRUE(written);
    return dir_ / "site";
  }
  // Shows the token.
  [[nodiscard]] std::string make_token() const {
    const auto made = run_program({"sh", "-euc", "exec \"$@\" 2>/dev/null", "sh", binary("holdfast"), "token",
                                   "create", "--file", dir_ / "tokens", "me", "--role", "admin"});
    EXPECT_EQ(made.status, 0) << made.output;
    world_.kubectl_ok({"create", "secret", "generic", "holdfast-tokens", "--from-file=" + (dir_ / "tokens")});
    return made.output.substr(0, made.output.find_last_not_of("\r\n") + 1);
  }

  const TempDir dir_;
};

TEST_F(Manifests, AreAppliedServeAndAreDeletedAndServicesStay) {
  const auto token = make_token(), folder = site();
  const auto applied = world_.kubectl({"apply", "-k", folder});
  ASSERT_EQ(applied.status, 0) << applied.output;
  expect_ok(world_.kubectl({"rollout", "status", "deployment/holdfast", "--timeout=90s"}));
  EXPECT_EQ(controllers().size(), 3u);
  declare("services: {web: {stop: {gracePeriod: 1s}, kubernetes: {image: \"" + world_.image() +
          "\", pullPolicy: never}}}");
  expect_pods_of_web(1, "declared");
  const auto pod = pods_of_web().at(0);
  {
    const ForwardedApi api(world_, "service/holdfast", token);
    EXPECT_TRUE(wait_until([&] { return api.service("web").at("ready").as_bool(); }));
    EXPECT_THAT(api.cli({"status"}).output, HasSubstr("Running"));
  }
  expect_ok(world_.kubectl({"delete", "-k", folder, "--timeout=60s"}));
  expect_no_controller();
  EXPECT_THAT(pods_of_web(), testing::ElementsAre(pod));
}

}  // namespace
}  // namespace holdfast::test
