#include "tests/support/kube_world/kube_world.h"

#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>

#include <gtest/gtest.h>
#include <signal.h>

#include "controller/base/file.h"
#include "tests/support/support.h"

namespace holdfast::test {

namespace {

std::string fixture_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') {
    throw std::runtime_error(std::string(name) + " is not set: run this with ctest, which starts a cluster");
  }
  return value;
}

std::string random_namespace() {
  std::random_device random;
  std::string name = "t";
  for (int i = 0; i < 8; ++i) name += "0123456789abcdef"[random() % 16];
  return name;
}

// A fresh directory within the shared cluster's, whose end takes along what is there.
std::string directory_within() {
  auto directory = fixture_variable("HOLDFAST_TEST_KUBE") + "/c-XXXXXX";
  if (!mkdtemp(directory.data())) throw std::runtime_error("cannot make " + directory);
  return directory;
}

// Programs get no variables of Holdfast's, but this one has to find what the fixture found.
void run_cluster(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {std::string(HOLDFAST_KUBE_SCRIPTS) + "/cluster"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  std::map<std::string, std::string> env = {
      {"HOLDFAST_TEST_KUBE_TOOLS", fixture_variable("HOLDFAST_TEST_KUBE") + "/tools"}};
  if (const char* cache = std::getenv("HOLDFAST_CACHE")) env["HOLDFAST_CACHE"] = cache;
  const auto done = run_program(argv, env);
  if (done.status != 0) throw std::runtime_error("cluster: " + done.output);
}

// What follows the key in a kubeconfig, quotes and braces aside.
std::string value_in(const std::string& file, const std::string& key) {
  const auto text = read_file(file).value_or("");
  auto begin = text.find(key + ": ");
  if (begin == std::string::npos) return {};
  begin += key.size() + 2;
  auto value = text.substr(begin, text.find_first_of("\n}", begin) - begin);
  std::erase(value, '"');
  return value;
}

std::string ok(const Finished& done, const std::vector<std::string>& arguments) {
  EXPECT_EQ(done.status, 0) << "kubectl " << (arguments.empty() ? "" : arguments[0]) << ": " << done.output;
  return done.output.ends_with('\n') ? done.output.substr(0, done.output.size() - 1) : done.output;
}

}  // namespace

std::string ClusterAddress::kubeconfig(const std::string& user) const {
  return directory_ + "/" + user + ".kubeconfig";
}

std::string ClusterAddress::server() const {
  return value_in(kubeconfig(), "server");
}

std::string ClusterAddress::token(const std::string& user) const {
  return value_in(kubeconfig(user), "token");
}

Finished ClusterAddress::kubectl(const std::vector<std::string>& arguments, const std::string& input) const {
  // What it learns of a server's types it keeps in a cache, in which other servers with that port would find
  // it.
  std::vector<std::string> argv = {"kubectl", "--kubeconfig", kubeconfig(), "--cache-dir",
                                   directory_ + "/kubectl"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_program(argv, {}, input);
}

std::string ClusterAddress::kubectl_ok(const std::vector<std::string>& arguments,
                                       const std::string& input) const {
  return ok(kubectl(arguments, input), arguments);
}

// A cluster that is not ours is taken to be a whole one.
bool ClusterAddress::runs_pods() const {
  return !std::filesystem::exists(directory_ + "/settings") ||
         std::filesystem::exists(directory_ + "/kubelet.yaml");
}

KubeWorld::KubeWorld()
    : cluster_(fixture_variable("HOLDFAST_TEST_KUBE")),
      namespace_(random_namespace()),
      image_(fixture_variable("HOLDFAST_TEST_IMAGE")) {
  cluster_.kubectl_ok({"create", "namespace", namespace_});
  // No pod can be created before.
  const bool ready = !cluster_.runs_pods() ||
                     wait_until([&] { return kubectl({"get", "serviceaccount", "default"}).status == 0; });
  EXPECT_TRUE(ready) << namespace_ << " gets no service account";
}

KubeWorld::~KubeWorld() {
  cluster_.kubectl_ok({"delete", "namespace", namespace_, "--wait=false"});
}

Finished KubeWorld::kubectl(const std::vector<std::string>& arguments, const std::string& input) const {
  std::vector<std::string> within = {"--namespace", namespace_};
  within.insert(within.end(), arguments.begin(), arguments.end());
  return cluster_.kubectl(within, input);
}

std::string KubeWorld::kubectl_ok(const std::vector<std::string>& arguments, const std::string& input) const {
  return ok(kubectl(arguments, input), arguments);
}

void KubeWorld::allow(const std::string& user, const std::string& verbs, const std::string& resources) {
  const auto role = user + "-" + std::to_string(++roles_);
  kubectl_ok({"create", "role", role, "--verb", verbs, "--resource", resources});
  kubectl_ok({"create", "rolebinding", role, "--role", role, "--user", user});
}

PrivateCluster::PrivateCluster(const Options& options) : cluster_(directory_within()) {
  std::vector<std::string> arguments = {"up", cluster_.directory()};
  for (const auto& flag : options.api_flags) {
    arguments.emplace_back("--api-flag");
    arguments.push_back(flag);
  }
  run_cluster(arguments);
}

PrivateCluster::~PrivateCluster() {
  try {
    run_cluster({"down", cluster_.directory()});
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

void PrivateCluster::start(const std::string& part) const {
  run_cluster({"start", cluster_.directory(), part});
}

void PrivateCluster::stop(const std::string& part) const {
  run_cluster({"stop", cluster_.directory(), part});
}

void PrivateCluster::kill(const std::string& part) const {
  run_cluster({"kill", cluster_.directory(), part});
}

void PrivateCluster::hang(const std::string& part) const {
  signal(part, SIGSTOP);
}

void PrivateCluster::resume(const std::string& part) const {
  signal(part, SIGCONT);
}

void PrivateCluster::compact() const {
  run_cluster({"compact", cluster_.directory()});
}

void PrivateCluster::signal(const std::string& part, int signal) const {
  const auto pid = read_file(cluster_.directory() + "/pids/" + part);
  ASSERT_TRUE(pid && signal_process(std::atoi(pid->c_str()), signal)) << part << " doesn't run";
}

}  // namespace holdfast::test
