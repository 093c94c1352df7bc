// What the controller's account may do: what docs/kubernetes.md tells, as a real API server grants it, and no
// more.
#include <algorithm>
#include <set>
#include <sstream>

#include <gmock/gmock.h>

#include "tests/e2e/chart/render.h"

namespace holdfast::test {
namespace {

using Rights = std::map<std::string, std::set<std::string>>;  // "deployments.apps" -> verbs

Rights rights_in(const Objects& objects) {
  Rights out;
  for (const auto& [name, object] : objects) {
    if (!name.starts_with("Role ") && !name.starts_with("ClusterRole ")) continue;
    for (const auto& rule : object.at("rules").items()) {
      for (const auto& group : rule.at("apiGroups").items()) {
        for (const auto& resource : rule.at("resources").items()) {
          const auto& suffix = group.as_string();
          auto& verbs = out[resource.as_string() + (suffix.empty() ? "" : "." + suffix)];
          for (const auto& verb : rule.at("verbs").items()) verbs.insert(verb.as_string());
        }
      }
    }
  }
  return out;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) cells.push_back(cell);
  return cells;
}

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> out;
  std::string word;
  for (const char c : text + ",") {
    if (c >= 'a' && c <= 'z')
      word += c;
    else if (!word.empty())
      out.insert(std::exchange(word, {}));
  }
  return out;
}

// The tables below "## Rights"; a row without a resource goes on with the one above it.
Rights rights_in_docs() {
  const auto text = source_text("docs/kubernetes.md");
  const auto begin = text.find("\n## Rights\n");
  std::istringstream in(text.substr(begin, text.find("\n## ", begin + 1) - begin));
  Rights out;
  std::string resource;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| ") || line.find("| verbs |") != std::string::npos) continue;
    const auto cells = cells_of(line);
    if (cells.size() < 3) continue;
    if (const auto tick = cells[0].find('`'); tick != std::string::npos)
      resource = cells[0].substr(tick + 1, cells[0].find('`', tick + 1) - tick - 1);
    EXPECT_NE(words_of(cells[2]).size(), 0u) << "no reason: " << line;
    out[resource].merge(words_of(cells[1]));
  }
  return out;
}

TEST(Rights, AreThoseOfTheDocs) {
  auto told = rights_in_docs();
  EXPECT_EQ(told.erase("tokenreviews"), 1u);  // granted by a role of Kubernetes' own
  const auto namespaced = rights_in(chart_objects("n", {"rbac.namespaces={m}"}));
  EXPECT_EQ(namespaced, told);
  EXPECT_EQ(rights_in(chart_objects("n", {"rbac.clusterWide=true"})), told);
  EXPECT_EQ(rights_in(chart_objects("n", {})), told);
}

TEST(Rights, StayInTheNamespaceUnlessToldOtherwise) {
  for (const auto& [name, object] : chart_objects("n", {}))
    EXPECT_FALSE(name.starts_with("ClusterRole")) << name;
  const auto more = chart_objects("n", {"rbac.namespaces={m}"});
  EXPECT_TRUE(more.contains("Role m/n-holdfast"));
  EXPECT_TRUE(more.contains("RoleBinding m/n-holdfast"));
  EXPECT_EQ(more.at("Role m/n-holdfast").at("rules").items().size(), 7u);  // nothing on ConfigMaps and Leases
}

class Account {
 public:
  explicit Account(const Values& values) {
    const auto text = helm_template(world_.ns(), values, version_of(world_.cluster()));
    world_.kubectl_ok({"apply", "-f", "-"}, text.output);
  }
  // "get configmap/holdfast"
  [[nodiscard]] bool may(const std::string& what, const std::string& ns = {}) const {
    const auto space = what.find(' ');
    std::vector<std::string> question{"auth", "can-i", what.substr(0, space), what.substr(space + 1),
                                      "--as=system:serviceaccount:" + world_.ns() + ":holdfast"};
    if (what.ends_with(" pods/log")) question[3] = "pods", question.emplace_back("--subresource=log");
    if (what.ends_with(" pods/exec")) question[3] = "pods", question.emplace_back("--subresource=exec");
    if (!ns.empty()) question.insert(question.end(), {"-n", ns});
    return (ns.empty() ? world_.kubectl(question) : world_.cluster().kubectl(question)).status == 0;
  }

 private:
  const KubeWorld world_;
};

TEST(Rights, AreGrantedAndNoOthers) {
  const Account account({});
  for (const auto* what : {"patch deployments.apps", "delete deployments.apps", "watch services", "list pods",
                           "get pods/log", "create events", "watch horizontalpodautoscalers.autoscaling",
                           "update configmap/holdfast", "watch configmap/holdfast",
                           "update lease.coordination.k8s.io/holdfast", "create leases.coordination.k8s.io"})
    EXPECT_TRUE(account.may(what)) << what;
  for (const auto* what : {"get secrets", "list secrets", "create pods", "delete pods", "create pods/exec",
                           "list configmaps", "update configmap/holdfast-config", "update configmap/other",
                           "create configmaps", "delete configmap/holdfast",
                           "update lease.coordination.k8s.io/other", "create roles.rbac.authorization.k8s.io",
                           "create serviceaccounts", "create statefulsets.apps", "create jobs.batch"})
    EXPECT_FALSE(account.may(what)) << what;
  for (const auto* what : {"list deployments.apps", "list pods", "create events"})
    EXPECT_FALSE(account.may(what, "default")) << what;
  for (const auto* what : {"list nodes", "create tokenreviews.authentication.k8s.io"})
    EXPECT_FALSE(account.may(what)) << what;
}

TEST(Rights, GoOverTheClusterIfAskedFor) {
  const Account account({"rbac.clusterWide=true", "auth.kubernetes=true"});
  for (const auto* what :
       {"patch deployments.apps", "create events", "create tokenreviews.authentication.k8s.io",
        "create subjectaccessreviews.authorization.k8s.io"})
    EXPECT_TRUE(account.may(what, "default")) << what;
  for (const auto* what : {"get secrets", "update configmap/holdfast", "create leases.coordination.k8s.io"})
    EXPECT_FALSE(account.may(what, "default")) << what;
}

}  // namespace
}  // namespace holdfast::test
