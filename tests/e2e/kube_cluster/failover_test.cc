// The leader's pod is lost, its process is killed: another one acts.
#include <chrono>
#include <iostream>

#include <signal.h>

#include "tests/e2e/kube_cluster/installation.h"

namespace holdfast::test {
namespace {

class Failover : public Installation {
 protected:
  // Changes the service meanwhile, which nobody but a leader can bring into force.
  void expect_other_acts(const std::string& before, size_t replicas, const std::string& how) const {
    const auto began = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    declare("services: {web: {replicas: " + std::to_string(replicas) + "}}");
    ASSERT_TRUE(wait_until([&] {
      const auto now = holder();
      return !now.empty() && now != before;
    })) << told();
    const double led = seconds();
    EXPECT_TRUE(wait_until([&] {
      return world_.kubectl_ok({"get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"}) ==
             std::to_string(replicas);
    })) << told();
    const double acted = seconds();
    std::cout << how << ": another leads after " << led << " s and has acted after " << acted << " s\n";
    expect_pods_of_web(replicas, how);
    world_.kubectl_ok({"rollout", "status", "deployment/holdfast", "--timeout=60s"});
    const ForwardedApi api(world_, "service/holdfast", token());
    EXPECT_TRUE(wait_until([&] { return api.get("/readyz").json.at("leader").as_string() == holder(); }));
    EXPECT_EQ(api.service("web").at("restarts").as_int(), 0);
  }
  void kill_process_of(const std::string& pod) const {
    const auto container = docker({"ps", "--quiet", "--filter", "label=io.kubernetes.pod.name=" + pod,
                                   "--filter", "label=io.kubernetes.pod.namespace=" + world_.ns(), "--filter",
                                   "label=io.kubernetes.container.name=holdfast"});
    ASSERT_FALSE(container.empty());
    const auto pid = std::atoi(docker({"inspect", "--format", "{{.State.Pid}}", container}).c_str());
    ASSERT_TRUE(signal_process(pid, SIGKILL));
  }
};

TEST_F(Failover, AnotherActsWhenTheLeadersPodOrProcessIsGone) {
  install({"replicas=2"});
  expect_pods_of_web(1, "installed");
  const auto pod = pods_of_web().at(0);

  auto leader = holder();
  world_.kubectl_ok({"delete", "pod", pod_of(leader), "--grace-period=0", "--force", "--wait=false"});
  expect_other_acts(leader, 2, "the leader's pod deleted by force");

  leader = holder();
  kill_process_of(pod_of(leader));
  expect_other_acts(leader, 3, "the leader's process killed");
  EXPECT_THAT(pods_of_web(), testing::Contains(pod)) << "it runs on all the time";
}

}  // namespace
}  // namespace holdfast::test
