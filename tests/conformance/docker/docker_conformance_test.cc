#include <cstdlib>

#include "tests/conformance/runtime_suite.h"
#include "tests/support/docker_bench/docker_bench.h"

namespace holdfast::test {
namespace {

class ContainerBench final : public RuntimeBench {
 public:
  ContainerBench(DockerMode mode, const std::string& host) : bench_(mode, host) { bench_.make_adapter(); }
  Runtime& runtime() override { return bench_.runtime(); }
  bool replace_adapter() override {
    bench_.replace_adapter();
    return true;
  }
  bool crash(const InstanceId& id) override {
    return bench_.client().signal(bench_.container(id.service, id.ordinal), 9).has_value();
  }
  // The first process of a container ignores what it doesn't handle.
  bool is_deaf(const InstanceId& id) override {
    const auto seen = bench_.runtime().observe(id.service);
    return seen && !seen->instances.empty() && seen->instances[0].phase == Phase::kRunning;
  }
  bool wait_until(const std::function<bool()>& condition) override { return test::wait_until(condition); }
  ServiceSpec spec(const std::string& name, Program program) override {
    switch (program) {
      case Program::kRunsOn:
        return DockerBench::shell(name, kRunsOnScript);
      case Program::kExits3:
        return DockerBench::shell(name, "exit 3");
      case Program::kIgnoresTerm:
        return DockerBench::spec(name, {"sleep", "100000"});
      case Program::kDiesOfAbrt:
        return DockerBench::shell(name, "sh -c 'kill -ABRT $$'; exit $?");
      case Program::kTalks:
        return DockerBench::shell(name, "echo one; echo two; echo three >&2; " + std::string(kRunsOnScript));
      case Program::kMissing:
        break;
    }
    return DockerBench::spec(name, {"/no/such/program"});
  }

 private:
  DockerBench bench_;
};

RuntimeFactory with(const char* name, DockerMode mode, const char* host_variable) {
  return {name, [mode, host_variable] {
            const char* host = std::getenv(host_variable);
            return std::make_unique<ContainerBench>(mode, host ? host : "");
          }};
}

INSTANTIATE_TEST_SUITE_P(Docker, RuntimeSuite,
                         testing::Values(with("engine", DockerMode::kEngine, "HOLDFAST_TEST_DOCKER"),
                                         with("cli", DockerMode::kCli, "HOLDFAST_TEST_DOCKER"),
                                         with("podman", DockerMode::kEngine, "HOLDFAST_TEST_PODMAN")),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace holdfast::test
