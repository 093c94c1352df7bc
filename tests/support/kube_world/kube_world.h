// The Kubernetes clusters that tests run against: those that the tests of a build share (holdfast_kube_test()
// in cmake/HoldfastRooms.cmake), and API servers of a test's own, to stop and to break. Not thread-safe, but
// for kubectl(), which any thread may call.
#pragma once

#include <string>
#include <vector>

#include "tests/support/program.h"

namespace holdfast::test {

// Where a cluster is, and the command line client for it. Users: "admin", who may do anything, and "test-a"
// and "test-b", who may do what KubeWorld::allow() lets them.
class ClusterAddress {
 public:
  explicit ClusterAddress(std::string directory) : directory_(std::move(directory)) {}
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string kubeconfig(const std::string& user = "admin") const;  // a file
  [[nodiscard]] std::string server() const;                                       // "https://127.0.0.1:39501"
  [[nodiscard]] std::string token(const std::string& user = "admin") const;       // "": it has none
  // Runs `kubectl ARGUMENTS` as admin: for what a person does by hand.
  [[nodiscard]] Finished kubectl(const std::vector<std::string>& arguments,
                                 const std::string& input = {}) const;
  // The same; fails the test unless it succeeds. The output without its last newline.
  std::string kubectl_ok(const std::vector<std::string>& arguments, const std::string& input = {}) const;
  [[nodiscard]] bool runs_pods() const;
  // Not of clusters that are used in place of ours: there may be other users, with certificates for example.
  [[nodiscard]] bool has_user(const std::string& user) const { return !token(user).empty(); }

 private:
  std::string directory_;
};

// A shared cluster, and a namespace in it that is this object's own.
class KubeWorld {
 public:
  KubeWorld();   // throws outside of the fixture
  ~KubeWorld();  // deletes the namespace, which is gone with all in it some seconds later
  KubeWorld(const KubeWorld&) = delete;
  KubeWorld& operator=(const KubeWorld&) = delete;

  [[nodiscard]] const ClusterAddress& cluster() const { return cluster_; }
  [[nodiscard]] const std::string& ns() const { return namespace_; }  // "t5f03a9c1", of no other object
  // In the namespace, as admin.
  [[nodiscard]] Finished kubectl(const std::vector<std::string>& arguments,
                                 const std::string& input = {}) const;
  std::string kubectl_ok(const std::vector<std::string>& arguments, const std::string& input = {}) const;
  // In the namespace: allow("test-a", "get,list,watch", "pods,deployments.apps").
  void allow(const std::string& user, const std::string& verbs, const std::string& resources);
  // On the node, not in a registry: for imagePullPolicy IfNotPresent or Never.
  [[nodiscard]] const std::string& image() const { return image_; }

 private:
  ClusterAddress cluster_;
  std::string namespace_, image_;
  int roles_ = 0;
};

// An API server of the test's own, as the shared one that runs no pods; runs from construction on. The
// destructor ends it; what a killed test leaves, the fixture's end takes along. Parts: "etcd", "apiserver",
// "controller-manager" (which finishes the deletion of namespaces), "relay" (without it connections are
// refused).
class PrivateCluster {
 public:
  struct Options {
    std::vector<std::string> api_flags;  // of kube-apiserver's: {"--watch-cache=false"}
  };
  PrivateCluster() : PrivateCluster(Options{}) {}
  explicit PrivateCluster(const Options& options);
  ~PrivateCluster();
  PrivateCluster(const PrivateCluster&) = delete;
  PrivateCluster& operator=(const PrivateCluster&) = delete;

  [[nodiscard]] const ClusterAddress& cluster() const { return cluster_; }
  void start(const std::string& part) const;  // after stop() or kill(); returns when it answers
  void stop(const std::string& part) const;   // as a service manager does, and waits
  void kill(const std::string& part) const;   // and waits
  void hang(const std::string& part) const;   // it takes connections, and never answers
  void resume(const std::string& part) const;
  // Of what was there before now only the present is known: lists that go on and watches from etcd get 410.
  void compact() const;

 private:
  void signal(const std::string& part, int signal) const;

  ClusterAddress cluster_;
};

}  // namespace holdfast::test
