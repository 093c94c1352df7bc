#include "tests/support/kube_world/kube_world.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string config_map(const std::string& name) {
  return R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ")" + name + "\"}}";
}

TEST(KubeWorld, HasANamespaceForEachObject) {
  const KubeWorld one, other;
  one.kubectl_ok({"create", "-f", "-"}, config_map("mine"));
  EXPECT_THAT(one.kubectl_ok({"get", "configmaps", "-o", "name"}), HasSubstr("configmap/mine"));
  EXPECT_THAT(other.kubectl_ok({"get", "configmaps", "-o", "name"}), Not(HasSubstr("configmap/mine")));
}

TEST(KubeWorld, LeavesNothing) {
  const KubeWorld stays;
  std::string ns;
  {
    const KubeWorld world;
    ns = world.ns();
    world.kubectl_ok({"create", "deployment", "left", "--image", world.image()});
  }
  EXPECT_TRUE(wait_until([&] { return stays.cluster().kubectl({"get", "namespace", ns}).status != 0; }));
  EXPECT_THAT(stays.cluster().kubectl_ok({"get", "deployments", "--all-namespaces"}), Not(HasSubstr(ns)));
}

TEST(KubeWorld, LetsUsersDoWhatTheyMay) {
  KubeWorld world;
  if (!world.cluster().has_user("test-a")) GTEST_SKIP() << "a cluster with other users";
  const auto list = [&](const std::string& user, const std::string& resource) {
    return run_program({"kubectl", "--kubeconfig", world.cluster().kubeconfig(user), "--namespace",
                        world.ns(), "get", resource})
        .output;
  };
  EXPECT_THAT(list("test-a", "pods"), HasSubstr("Forbidden"));
  world.allow("test-a", "get,list", "pods,deployments.apps");
  EXPECT_TRUE(wait_until([&] { return list("test-a", "pods").find("No resources") != std::string::npos; }));
  EXPECT_THAT(list("test-a", "deployments.apps"), HasSubstr("No resources"));
  EXPECT_THAT(list("test-a", "services"), HasSubstr("Forbidden"));
  EXPECT_THAT(list("test-b", "pods"), HasSubstr("Forbidden"));
}

TEST(KubeWorld, HasHelm) {
  const auto helm = run_program({"helm", "version", "--short"});
  EXPECT_EQ(helm.status, 0);
  EXPECT_THAT(helm.output, HasSubstr("v4."));
}

// The processes that name a path.
std::vector<std::string> processes_of(const std::string& path) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stream(entry.path() / "cmdline", std::ios::binary);
    std::string cmdline{std::istreambuf_iterator<char>(stream), {}};
    if (cmdline.find(path) != std::string::npos) found.push_back(cmdline);
  }
  return found;
}

TEST(PrivateCluster, OutlivesItsPartsAndLeavesNothing) {
  std::string directory;
  {
    const PrivateCluster mine;
    const auto& cluster = mine.cluster();
    directory = cluster.directory();
    cluster.kubectl_ok({"create", "-f", "-"}, config_map("kept"));
    const auto unavailable = [&] {
      return cluster.kubectl({"get", "configmap", "kept", "--request-timeout=1s"}).status != 0;
    };
    mine.stop("etcd");
    EXPECT_TRUE(unavailable());
    mine.start("etcd");
    EXPECT_TRUE(wait_until([&] { return !unavailable(); }));
    mine.kill("apiserver");
    EXPECT_TRUE(unavailable());
    mine.start("apiserver");
    EXPECT_FALSE(unavailable());
    mine.hang("apiserver");
    EXPECT_TRUE(unavailable());
    mine.resume("apiserver");
    mine.stop("relay");
    EXPECT_THAT(cluster.kubectl({"get", "configmap", "kept"}).output, HasSubstr("refused"));
    mine.start("relay");
    EXPECT_FALSE(unavailable());
  }
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_THAT(processes_of(directory), testing::IsEmpty());
}

TEST(PrivateCluster, ForgetsThePast) {
  const PrivateCluster mine({.api_flags = {"--watch-cache=false"}});
  const auto& cluster = mine.cluster();
  const auto get = [&](const std::string& what) {
    return cluster.kubectl({"get", "--raw", "/api/v1/namespaces/default/configmaps?" + what}).output;
  };
  for (const auto* name : {"one", "two", "three"})
    cluster.kubectl_ok({"create", "-f", "-"}, config_map(name));
  auto token = get("limit=1");
  const std::string key = R"("continue":")";
  token = token.substr(token.find(key) + key.size());
  token = token.substr(0, token.find('"'));
  EXPECT_THAT(get("limit=1&continue=" + token), HasSubstr("ConfigMapList"));
  cluster.kubectl_ok({"create", "-f", "-"}, config_map("four"));
  mine.compact();
  EXPECT_THAT(get("limit=1&continue=" + token), HasSubstr("too old"));
  EXPECT_THAT(get("watch=1&timeoutSeconds=5&resourceVersion=1"), HasSubstr(R"("code":410)"));
}

}  // namespace
}  // namespace holdfast::test
