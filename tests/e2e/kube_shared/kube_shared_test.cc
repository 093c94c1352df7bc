// Two controllers that share their services through a ConfigMap and a Lease, against a real API server: one
// acts, either can be asked, and kubectl is a third door to the same desired state.
#include <memory>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "controller/base/unique_fd.h"
#include "tests/e2e/harness/controller.h"
#include "tests/support/kube_world/kube_world.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;

// Others are to be told of it before the controller listens there.
int free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(socket.get(), generic, size), 0);
  EXPECT_EQ(getsockname(socket.get(), generic, &size), 0);
  return ntohs(address.sin_port);
}

class KubeShared : public testing::Test {
 protected:
  // Short enough for a test, long enough for a busy machine.
  [[nodiscard]] std::string config() const {
    return "apiVersion: holdfast/v1\n"
           "controller:\n"
           "  allowEmpty: true\n"
           "  leaderElection: {enabled: true, namespace: " +
           world_.ns() +
           ", name: shared, leaseDuration: 6s, renewDeadline: 4s, retryPeriod: 500ms}\n"
           "defaults: {runtime: kubernetes, kubernetes: {namespace: " +
           world_.ns() + ", image: \"example.test/web:1\"}}\n";
  }
  std::unique_ptr<Controller> controller(const std::string& name) {
    auto made = std::make_unique<Controller>(
        config(), ControllerSetup{.env = {{"KUBECONFIG", world_.cluster().kubeconfig()},
                                          {"POD_NAME", name},
                                          {"POD_NAMESPACE", world_.ns()},
                                          {"POD_IP", "127.0.0.1"}},
                                  .listen = "127.0.0.1:" + std::to_string(free_port())});
    made->start({"--config-map", world_.ns() + "/shared"});
    return made;
  }
  void patch_map(const std::string& data) {
    world_.kubectl_ok({"patch", "configmap", "shared", "--type", "merge", "-p", "{\"data\":" + data + "}"});
  }
  std::string deployments() { return world_.kubectl_ok({"get", "deployments", "-o", "name"}); }
  std::string replicas_of(const std::string& name) {
    return world_.kubectl({"get", "deployment", name, "-o", "jsonpath={.spec.replicas}"}).output;
  }
  static bool leads(const Controller& controller, const std::string& name) {
    return controller.get("/readyz").json.at("leader").as_string().starts_with(name + "_");
  }

  KubeWorld world_;
};

TEST_F(KubeShared, ApiAndKubectlAreDoorsToOneDesiredStateAtEitherController) {
  const auto first = controller("first");
  ASSERT_TRUE(wait_until([&] { return leads(*first, "first"); })) << first->log();
  const auto second = controller("second");
  ASSERT_TRUE(wait_until([&] { return leads(*second, "first"); })) << second->log();

  // Through the one that follows.
  const auto put = second->request("PUT", "/api/v1/services/web", "{}");
  EXPECT_EQ(put.status, 201) << put.text;
  ASSERT_TRUE(wait_until([&] { return replicas_of("web") == "1"; })) << first->log();
  EXPECT_TRUE(second->wait_service("web", [](const Json& json) { return json.at("name").is_string(); }));

  patch_map(R"({"site.yaml": "services: {web: {replicas: 3}, api: {}}"})");
  EXPECT_TRUE(wait_until([&] { return replicas_of("web") == "3" && replicas_of("api") == "1"; }));
  EXPECT_TRUE(second->wait_service("api", [](const Json& json) { return json.at("name").is_string(); }));

  const auto stopped = second->cli({"stop", "web", "--no-wait"});
  EXPECT_EQ(stopped.status, 0) << stopped.output;
  EXPECT_TRUE(wait_until([&] { return replicas_of("web") == "0"; }));
  EXPECT_TRUE(second->wait_service(
      "web", [](const Json& json) { return json.at("desired").as_string() == "stopped"; }));
}

TEST_F(KubeShared, WhatIsBrokenOrDeletedByHandLeavesTheLastGoodState) {
  const auto only = controller("only");
  EXPECT_EQ(only->request("PUT", "/api/v1/services/web", "{}").status, 201);
  ASSERT_TRUE(wait_until([&] { return replicas_of("web") == "1"; })) << only->log();
  const auto complaint = [&] { return only->get("/readyz").json.at("checks").at("config").as_string(); };

  patch_map(R"({"site.yaml": "services: {web: {replicas: many}}"})");
  EXPECT_TRUE(wait_until([&] { return complaint().find("site.yaml:1:28") != std::string::npos; }))
      << complaint();
  patch_map(R"({"site.yaml": null, "edits.json": "{\"services\": {"})");
  EXPECT_TRUE(wait_until([&] { return complaint().find("edits.json") != std::string::npos; })) << complaint();
  const auto refused = only->request("PATCH", "/api/v1/config", R"({"services": {"web": {"replicas": 2}}})");
  EXPECT_EQ(refused.status, 409) << refused.text;
  world_.kubectl_ok({"delete", "configmap", "shared"});
  EXPECT_TRUE(wait_until([&] { return complaint().find("was deleted") != std::string::npos; }))
      << complaint();
  EXPECT_EQ(replicas_of("web"), "1");
  EXPECT_THAT(deployments(), HasSubstr("web"));
}

TEST_F(KubeShared, AnotherLeadsWhenTheLeaderIsKilledAndKeepsWhatOperatorsAsked) {
  auto first = controller("first");
  ASSERT_TRUE(wait_until([&] { return leads(*first, "first"); })) << first->log();
  const auto second = controller("second");
  EXPECT_EQ(first->request("PUT", "/api/v1/services/web", "{}").status, 201);
  EXPECT_EQ(first->request("PUT", "/api/v1/services/api", "{}").status, 201);
  ASSERT_TRUE(wait_until([&] { return replicas_of("web") == "1" && replicas_of("api") == "1"; }));
  EXPECT_EQ(first->cli({"stop", "api", "--no-wait"}).status, 0);
  ASSERT_TRUE(wait_until([&] { return replicas_of("api") == "0"; }));

  first->kill9();
  world_.kubectl_ok({"delete", "deployment", "web"});
  ASSERT_TRUE(wait_until([&] { return leads(*second, "second"); })) << second->log();
  EXPECT_TRUE(wait_until([&] { return replicas_of("web") == "1"; })) << second->log();
  EXPECT_EQ(replicas_of("api"), "0");
  EXPECT_EQ(second->request("PATCH", "/api/v1/config", R"({"services": {"web": {"replicas": 2}}})").status,
            200);
  EXPECT_TRUE(wait_until([&] { return replicas_of("web") == "2"; }));
}

TEST_F(KubeShared, RemoveServicesEndsWhatIsLeftOnceNobodyLeads) {
  auto only = controller("only");
  EXPECT_EQ(only->request("PUT", "/api/v1/services/web", R"({"kubernetes": {"ports": [80]}})").status, 201);
  ASSERT_TRUE(wait_until([&] { return world_.kubectl({"get", "service", "web"}).status == 0; }))
      << only->log();
  world_.kubectl_ok({"create", "deployment", "foreign", "--image=example.test/other:1"});
  EXPECT_EQ(only->terminate(), 0);
  EXPECT_THAT(deployments(), HasSubstr("web")) << "services outlive their controller";
  const auto removed = only->cli({"remove-services", "--config-map", world_.ns() + "/shared"},
                                 {{"KUBECONFIG", world_.cluster().kubeconfig()}});
  EXPECT_EQ(removed.status, 0) << removed.output;
  EXPECT_THAT(removed.output, HasSubstr("removed Deployment " + world_.ns() + "/web\n"));
  EXPECT_THAT(removed.output, HasSubstr("removed Service " + world_.ns() + "/web\n"));
  EXPECT_EQ(deployments(), "deployment.apps/foreign");
}

}  // namespace
}  // namespace holdfast::test
