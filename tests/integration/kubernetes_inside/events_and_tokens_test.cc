// Events as kubectl shows them, and the cluster's own tokens.
#include "runtimes/kubernetes/inside/event_recorder.h"
#include "runtimes/kubernetes/inside/token_auth.h"
#include "tests/integration/kubernetes_inside/fixture.h"

namespace holdfast::kubernetes::test {
namespace {

using std::chrono::minutes;

class EventsInCluster : public InsideTest {
 protected:
  void SetUp() override {
    world_.kubectl_ok({"create", "deployment", "web", "--image", "holdfast-test:1", "--replicas", "0"});
    options_.instance = "holdfast-0";
    options_.locate = [this](const std::string& service) -> std::optional<EventObject> {
      return EventObject{"apps/v1", "Deployment", ns(), service, ""};
    };
  }
  static Event event(const WallTime at, const std::string& message) {
    return {.at = at, .service = "web", .type = "Exited", .severity = "error", .message = message};
  }
  std::string shown(const std::string& path) {
    return world_.kubectl_ok(
        {"get", "events", "--field-selector", "source=holdfast", "-o", "jsonpath={" + path + "}"});
  }
  std::unique_ptr<Client> client_ = client_as("admin");
  EventRecorder::Options options_;
};

TEST_F(EventsInCluster, AreShownByKubectl) {
  EventRecorder recorder(*client_, clock_, options_);
  for (int i = 0; i < 3; ++i) recorder.record(event(clock_.wall(), "it ended with exit code 3"));
  recorder.record(event(clock_.wall(), "it was killed"));
  ASSERT_TRUE(recorder.flush(minutes{1}));
  EXPECT_EQ(recorder.stats().written, 4u);
  EXPECT_EQ(shown(".items[?(@.message==\"it ended with exit code 3\")].count"), "3");
  EXPECT_EQ(shown(".items[*].type"), "Warning Warning");
  const auto described = world_.kubectl_ok({"describe", "deployment", "web"});
  EXPECT_THAT(described, HasSubstr("it ended with exit code 3"));
  EXPECT_THAT(described, HasSubstr("(x3 over"));
  EXPECT_THAT(described, HasSubstr("holdfast"));
}

TEST_F(EventsInCluster, TheRuleThatIsMissingIsTold) {
  const auto limited = client_as("test-a");
  EventRecorder recorder(*limited, clock_, options_);
  recorder.record(event(clock_.wall(), "one"));
  ASSERT_TRUE(recorder.flush(minutes{1}));
  ASSERT_TRUE(recorder.error());
  EXPECT_THAT(recorder.error()->message, HasSubstr("create events"));
  world_.allow("test-a", "create,patch", "events");  // without that, Deployments can't be read: no uid
  ASSERT_TRUE(wait_until([&] {
    recorder.record(event(clock_.wall(), "two"));
    return recorder.flush(minutes{1}) && !recorder.error();
  }));
  EXPECT_THAT(shown(".items[*].message"), HasSubstr("two"));
}

class TokensInCluster : public InsideTest {
 protected:
  Result<AccessLevel> level(TokenAuth& auth, const std::string& token) {
    const auto identity = auth.authenticate(token);
    if (!identity) return fail(identity.error());
    return identity->level;
  }
  std::string token_of_account(const std::string& account) {
    world_.kubectl_ok({"create", "serviceaccount", account});
    return world_.kubectl_ok({"create", "token", account});
  }
  // kubectl create role knows no resource that isn't there; the API server takes it.
  void allow(const std::string& verbs, const std::string& kind, const std::string& name) {
    const std::string group = "rbac.authorization.k8s.io", of_group = "apiVersion: " + group + "/v1, kind: ";
    const auto rule = "{apiGroups: [holdfast.dev], resources: [services], verbs: [" + verbs + "]}";
    auto subject = "kind: " + kind + ", name: " + name;
    if (kind == "ServiceAccount") subject += ", namespace: " + ns();
    world_.kubectl_ok({"create", "-f", "-"},
                      "{" + of_group + "Role, metadata: {name: " + name + "}, rules: [" + rule +
                          "]}\n---\n{" + of_group + "RoleBinding, metadata: {name: " + name +
                          "}, roleRef: {kind: Role, name: " + name + ", apiGroup: " + group +
                          "}, subjects: [{" + subject + "}]}\n");
  }
  // The API server takes a moment to take in a rule.
  bool becomes(const std::string& token, AccessLevel expected) {
    return wait_until([&] {
      TokenAuth fresh(*client_, clock_, {.namespace_ = ns()});
      return level(fresh, token) == expected;
    });
  }
  std::unique_ptr<Client> client_ = client_as("admin");
};

TEST_F(TokensInCluster, LevelsFollowTheRulesOfTheCluster) {
  allow("get", "User", "test-a");
  allow("get, update", "User", "test-b");
  EXPECT_TRUE(becomes(world_.cluster().token("admin"), AccessLevel::kAdmin));
  EXPECT_TRUE(becomes(world_.cluster().token("test-a"), AccessLevel::kViewer));
  EXPECT_TRUE(becomes(world_.cluster().token("test-b"), AccessLevel::kOperator));
  TokenAuth auth(*client_, clock_, {.namespace_ = ns()});
  EXPECT_EQ(level(auth, "nobody's").error().code, ErrorCode::kPermission);
  EXPECT_EQ(auth.authenticate(world_.cluster().token("test-a"))->name, "test-a");
}

TEST_F(TokensInCluster, ServiceAccountsHaveLevelsToo) {
  const auto token = token_of_account("deployer");
  TokenAuth auth(*client_, clock_, {.namespace_ = ns()});
  const auto before = auth.authenticate(token);
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->name, "system:serviceaccount:" + ns() + ":deployer");
  EXPECT_EQ(before->level, AccessLevel::kNone);
  allow("get, update", "ServiceAccount", "deployer");
  EXPECT_TRUE(becomes(token, AccessLevel::kOperator));
}

TEST_F(TokensInCluster, AControllerThatMayNotAskSaysSo) {
  const auto limited = client_as("test-a");
  TokenAuth auth(*limited, clock_, {.namespace_ = ns()});
  const auto refused = auth.authenticate(world_.cluster().token("admin"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("create tokenreviews.authentication.k8s.io"));
}

TEST_F(TokensInCluster, NobodyIsLetInWhileNobodyAnswers) {
  FaultProxy proxy(world_.cluster());
  const auto client = client_from(proxy.kubeconfig());
  TokenAuth auth(*client, clock_, {.namespace_ = ns()});
  proxy.close();
  EXPECT_EQ(level(auth, world_.cluster().token("admin")).error().code, ErrorCode::kUnavailable);
  proxy.open();
  proxy.inject([](const KubeRequest& request) { return request.path().ends_with("subjectaccessreviews"); },
               {.answer = holdfast::test::kube_status(500)});
  EXPECT_EQ(level(auth, world_.cluster().token("admin")).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(level(auth, world_.cluster().token("admin")), AccessLevel::kAdmin);
}

}  // namespace
}  // namespace holdfast::kubernetes::test
