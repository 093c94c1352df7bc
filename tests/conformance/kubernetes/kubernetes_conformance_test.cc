#include "tests/conformance/workload_suite.h"
#include "tests/support/kube_bench/kube_bench.h"

namespace holdfast::test {
namespace {

class ClusterBench final : public WorkloadBench {
 public:
  Runtime& runtime() override { return bench_.runtime(); }
  void replace_adapter() override { bench_.replace_adapter(); }
  bool crash(const ObservedInstance& instance) override {
    return bench_.world()
        .kubectl({"exec", instance.name, "--", "sh", "-c", "kill -KILL $(cat /tmp/child)"})
        .output.empty();
  }
  bool wait_until(const std::function<bool()>& condition) override { return test::wait_until(condition); }
  ServiceSpec spec(const std::string& name, Workload workload) override {
    // The first process of a pod's container can't be killed from within it: its child tells how it ended.
    const std::string runs_on = "trap 'exit 143' TERM; sleep 100000 & echo $! >/tmp/child; wait $!; exit $?";
    auto spec = bench_.spec(name, {"sh", "-c", runs_on});
    switch (workload) {
      case Workload::kRunsOn:
        break;
      case Workload::kExits3:
        spec.argv = {"sh", "-c", "sleep 0.2; exit 3"};
        break;
      case Workload::kTalks:
        spec.argv = {"sh", "-c", "echo one; echo two; " + runs_on};
        break;
      case Workload::kMissing:
        spec.kubernetes.image = "holdfast-test:no-such-tag";
        spec.kubernetes.pull_policy = "Never";
        spec.kubernetes.progress_deadline = std::chrono::seconds{3};
        break;
    }
    return spec;
  }

 private:
  KubeBench bench_;
};

INSTANTIATE_TEST_SUITE_P(Kubernetes, WorkloadSuite,
                         testing::Values(WorkloadFactory{
                             "cluster", [] { return std::unique_ptr<WorkloadBench>(new ClusterBench); }}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace holdfast::test
