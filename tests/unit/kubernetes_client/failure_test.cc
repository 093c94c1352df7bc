#include "runtimes/kubernetes/client/failure.h"

#include "tests/support/support.h"

namespace holdfast::kubernetes {
namespace {

using ::testing::HasSubstr;

const Question kPatch{.verb = "patch", .resource = kDeployments, .namespace_ = "pipeline", .name = "web"};

std::string status(const std::string& message, const std::string& rest = {}) {
  return R"({"kind":"Status","status":"Failure","message":)" + dump_json(Json(message)) + rest + "}";
}

TEST(KubernetesPaths, NameTheResource) {
  EXPECT_EQ(*kPatch.path(), "/apis/apps/v1/namespaces/pipeline/deployments/web");
  EXPECT_EQ(kPatch.what(), R"(patching deployments.apps "web" in namespace "pipeline")");
  EXPECT_EQ(*(Question{.verb = "list", .resource = kPods}.path()), "/api/v1/pods");
  EXPECT_EQ(*(Question{.verb = "get", .resource = kNamespaces, .name = "a"}.path()), "/api/v1/namespaces/a");
  EXPECT_EQ(*(Question{.verb = "create", .resource = kTokenReviews}.path()),
            "/apis/authentication.k8s.io/v1/tokenreviews");
  EXPECT_EQ(
      *(Question{
          .verb = "get", .resource = kPods, .namespace_ = "a", .name = "system:x y", .subresource = "log"}
            .path()),
      "/api/v1/namespaces/a/pods/system%3Ax%20y/log");
  for (const auto* name : {"", ".", "..", "a/b", "a%2fb"}) {
    EXPECT_FALSE((Question{.verb = "get", .resource = kPods, .namespace_ = "a", .name = name}.path()))
        << name;
    EXPECT_FALSE((Question{.verb = "get", .resource = kPods, .namespace_ = name, .name = "a"}.path()))
        << name;
  }
  EXPECT_EQ(query_of({{"a", "x=y,z"}, {"b", ""}, {"c", "1"}}), "?a=x%3Dy%2Cz&c=1");
}

TEST(KubernetesRefusals, NameTheRuleThatIsMissing) {
  const auto error = refusal(
      kPatch, 403,
      status(R"(deployments.apps "web" is forbidden: User "system:serviceaccount:pipeline:holdfast" cannot )"
             R"(patch resource "deployments" in API group "apps" in the namespace "pipeline")"));
  EXPECT_EQ(error.code, ErrorCode::kPermission);
  EXPECT_EQ(error.message, R"(not allowed to patch deployments.apps in namespace "pipeline" as )"
                           "system:serviceaccount:pipeline:holdfast");
  EXPECT_EQ(error.hint,
            R"(add to a Role: {apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]})");
  const auto log = refusal(
      kPatch, 403,
      status(
          R"(pods "a" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "n")"));
  EXPECT_EQ(log.hint, R"(add to a Role: {apiGroups: [""], resources: ["pods/log"], verbs: ["get"]})");
  const auto wide = refusal(kPatch, 403,
                            status(R"(x is forbidden: User "u" cannot list resource "nodes" in API group "" )"
                                   "at the cluster scope"));
  EXPECT_THAT(wide.message, HasSubstr("list nodes in the whole cluster"));
  EXPECT_THAT(wide.hint, HasSubstr("ClusterRole"));
  const auto apply = refusal(kPatch, 403, status(R"(deployments.apps "web" is forbidden: )"));
  EXPECT_EQ(apply.message, R"(not allowed to create deployments.apps in namespace "pipeline")");
  EXPECT_THAT(apply.hint, HasSubstr(R"(verbs: ["create"])"));
}

TEST(KubernetesRefusals, TellForbiddenFromOtherReasons) {
  const auto quota = refusal(kPatch, 403, status("exceeded quota: compute"));
  EXPECT_EQ(quota.code, ErrorCode::kPermission);
  EXPECT_THAT(quota.message, HasSubstr("exceeded quota"));
  EXPECT_TRUE(quota.hint.empty());
  for (const auto& body :
       {status("x", R"(,"details":{"causes":[{"reason":"NamespaceTerminating"}]})"),
        status("unable to create new content in namespace pipeline because it is being terminated")}) {
    const auto ending = refusal(kPatch, 403, body);
    EXPECT_EQ(ending.code, ErrorCode::kConflict);
    EXPECT_THAT(ending.message, HasSubstr("namespace \"pipeline\" is being deleted"));
  }
}

TEST(KubernetesRefusals, NameManagersAndFields) {
  const auto error = refusal(
      kPatch, 409,
      status(
          "Apply failed",
          R"(,"reason":"Conflict","details":{"causes":[)"
          R"({"reason":"FieldManagerConflict","message":"conflict with \"kubectl\" using apps/v1","field":".spec.replicas"},)"
          R"({"reason":"FieldManagerConflict","message":"conflict with \"hpa\"","field":".spec.paused"}]})"));
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, HasSubstr("others have set .spec.replicas (kubectl), .spec.paused (hpa)"));
  EXPECT_EQ(error.details.size(), 2u);
  EXPECT_THAT(refusal(kPatch, 409, status("object has been modified")).message, HasSubstr("modified"));
}

TEST(KubernetesRefusals, HaveTheServersWords) {
  struct Case {
    long status;
    ErrorCode code;
  };
  for (const auto& [code, expected] : std::vector<Case>{{400, ErrorCode::kInvalid},
                                                        {401, ErrorCode::kPermission},
                                                        {404, ErrorCode::kNotFound},
                                                        {409, ErrorCode::kConflict},
                                                        {410, ErrorCode::kUnavailable},
                                                        {418, ErrorCode::kInternal},
                                                        {422, ErrorCode::kInvalid},
                                                        {429, ErrorCode::kUnavailable},
                                                        {500, ErrorCode::kUnavailable},
                                                        {502, ErrorCode::kUnavailable},
                                                        {503, ErrorCode::kUnavailable},
                                                        {504, ErrorCode::kTimeout}}) {
    for (const auto& body : {status("some words.\n"), std::string("<html>some words</html>")}) {
      const auto error = refusal(kPatch, code, body);
      EXPECT_EQ(error.code, expected) << code;
      EXPECT_THAT(error.message, HasSubstr("some words"));
      EXPECT_EQ(error.message.find('\n'), std::string::npos);
    }
  }
  EXPECT_THAT(refusal(kPatch, 500, "").message, HasSubstr("status 500"));
  EXPECT_LT(refusal(kPatch, 500, std::string(100'000, 'x')).message.size(), 2000u);
}

TEST(KubernetesRefusals, TellWhatIsAbsent) {
  const auto gone = [](const std::string& kind, const std::string& name) {
    return status("not found",
                  R"(,"reason":"NotFound","details":{"name":")" + name + R"(","kind":")" + kind + "\"}");
  };
  EXPECT_TRUE(is_absent(kPatch, gone("deployments", "web")));
  EXPECT_FALSE(is_absent(kPatch, gone("deployments", "api")));
  EXPECT_FALSE(is_absent(kPatch, gone("namespaces", "pipeline")));
  EXPECT_FALSE(is_absent(kPatch, status("the server could not find the requested resource",
                                        R"(,"reason":"NotFound","details":{})")));
  EXPECT_FALSE(is_absent(kPatch, "404 page not found"));
  EXPECT_THAT(refusal(kPatch, 404, gone("namespaces", "pipeline")).message,
              HasSubstr("namespace \"pipeline\" doesn't exist"));
  EXPECT_THAT(refusal(kPatch, 404, "404 page not found").message, HasSubstr("doesn't know deployments.apps"));
}

}  // namespace
}  // namespace holdfast::kubernetes
