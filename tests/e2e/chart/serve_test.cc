// The controller with the chart's document and the rights that the chart gives, outside of a pod: an API
// server that runs none is enough to see that nothing is missing.
#include <optional>

#include <gmock/gmock.h>

#include "controller/base/file.h"
#include "tests/e2e/chart/render.h"
#include "tests/e2e/harness/controller.h"

namespace holdfast::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Serving : public ::testing::Test {
 protected:
  void install(const Values& values) {
    const auto text = helm_template(world_.ns(), values, version_of(world_.cluster()));
    ASSERT_EQ(text.status, 0) << text.output;
    world_.cluster().kubectl_ok({"apply", "-f", "-"}, text.output);
    const auto objects = objects_in(text.output);
    auto document = yaml(objects.at("ConfigMap " + world_.ns() + "/holdfast-config")
                             .at("data")
                             .at("holdfast.yaml")
                             .as_string());
    if (auto* file = document.find("controller")->find("auth")->find("tokensFile")) {
      const auto& secret = objects.at("Secret " + world_.ns() + "/holdfast-tokens").at("stringData");
      token_ = secret.at("token").as_string();
      ASSERT_TRUE(write_file_atomically(dir_ / "tokens", secret.at("tokens").as_string(), 0600));
      *file = dir_ / "tokens";
    }
    const auto kubeconfig = kubeconfig_of("holdfast");
    ASSERT_TRUE(write_file_atomically(dir_ / "kubeconfig", kubeconfig, 0600));
    controller_.emplace(dump_json(document), ControllerSetup{.env = {{"KUBECONFIG", dir_ / "kubeconfig"},
                                                                     {"POD_NAMESPACE", world_.ns()}}});
    controller_->start({"--config-map=" + world_.ns() + "/holdfast"});
  }
  std::string token_of(const std::string& account) const {
    return world_.kubectl_ok({"create", "token", account});
  }
  std::string kubeconfig_of(const std::string& account) const {
    auto config =
        parse_json(world_.kubectl_ok({"config", "view", "--raw", "--flatten", "--minify", "-o", "json"}))
            .value_or(Json());
    const auto user = config.at("contexts").items().at(0).at("context").at("user").as_string();
    config.set("users", Json::array({Json::object(
                            {{"name", user}, {"user", Json::object({{"token", token_of(account)}})}})}));
    config.find("contexts")->items()[0].find("context")->set("namespace", world_.ns());
    return dump_json(config);
  }
  Finished cli(const std::vector<std::string>& arguments) const {
    return controller_->cli(arguments, {{"HOLDFAST_TOKEN", token_}});
  }
  void expect_ok(const std::vector<std::string>& arguments) const {
    const auto done = cli(arguments);
    EXPECT_EQ(done.status, 0) << done.output << controller_->log();
  }
  void declare(const std::string& text) const {
    const auto patch = Json::object({{"data", Json::object({{"web.yaml", text}})}});
    world_.kubectl_ok({"patch", "configmap", "holdfast", "--type=merge", "-p", dump_json(patch)});
  }
  // "": there is no such Deployment.
  std::string replicas() const {
    return world_.kubectl_ok(
        {"get", "deployment", "web", "--ignore-not-found", "-o", "jsonpath={.spec.replicas}"});
  }
  void expect_replicas(const std::string& wanted) const {
    EXPECT_TRUE(wait_until([&] { return replicas() == wanted; }))
        << replicas() << " instead of " << wanted << "\n"
        << controller_->log() << cli({"status", "web"}).output;
  }

  const KubeWorld world_;
  const TempDir dir_;
  std::string token_;
  std::optional<Controller> controller_;
};

TEST_F(Serving, KeepsServicesWithTheRightsOfTheChart) {
  install({});
  declare("services: {web: {runtime: kubernetes, kubernetes: {image: nginx, ports: [80]}}}");
  expect_replicas("1");
  world_.kubectl_ok({"get", "service", "web"});
  expect_ok({"config", "set", "services.web.replicas", "2"});
  expect_replicas("2");
  world_.kubectl_ok({"scale", "deployment", "web", "--replicas=5"});
  expect_replicas("2");
  expect_ok({"stop", "web"});
  expect_replicas("0");
  expect_ok({"config", "set", "services.web", "null"});
  expect_replicas("");
  EXPECT_TRUE(wait_until([&] { return world_.kubectl({"get", "service", "web"}).status != 0; }));
  const auto keys = world_.kubectl_ok({"get", "configmap", "holdfast", "-o", "jsonpath={.data}"});
  for (const auto* key : {"web.yaml", "edits.json", "intents.json"}) EXPECT_THAT(keys, HasSubstr(key));
  EXPECT_THAT(world_.kubectl_ok({"get", "lease", "holdfast", "-o", "jsonpath={.spec.holderIdentity}"}),
              Not(::testing::IsEmpty()));
  EXPECT_THAT(controller_->log(), Not(HasSubstr("not allowed")));
  EXPECT_THAT(cli({"events", "web"}).output, Not(HasSubstr("not allowed")));
}

TEST_F(Serving, AsksTheClusterWhoMayDoWhat) {
  install({"auth.kubernetes=true"});
  declare("services: {web: {runtime: kubernetes, kubernetes: {image: nginx}}}");
  expect_replicas("1");
  for (const auto* role : {"viewer", "operator", "admin"}) {
    const std::string account = role;
    world_.kubectl_ok({"create", "serviceaccount", account});
    world_.kubectl_ok({"create", "rolebinding", account, "--role=holdfast-" + account,
                       "--serviceaccount=" + world_.ns() + ":" + account});
    token_ = token_of(account);
    EXPECT_EQ(cli({"status"}).status, 0) << role;
    EXPECT_EQ(cli({"stop", "web"}).status == 0, account != "viewer") << role;
    EXPECT_EQ(cli({"config", "set", "services.web.replicas", "3"}).status == 0, account == "admin") << role;
  }
  world_.kubectl_ok({"create", "serviceaccount", "stranger"});
  token_ = token_of("stranger");
  EXPECT_NE(cli({"status"}).status, 0);
  token_ = "hf_no_token";
  EXPECT_NE(cli({"status"}).status, 0);
}

}  // namespace
}  // namespace holdfast::test
