#include <csignal>

#include "tests/conformance/runtime_suite.h"
#include "tests/support/process_world/process_world.h"

namespace holdfast::test {
namespace {

class ProcessBench final : public RuntimeBench {
 public:
  explicit ProcessBench(bool use_cgroups) : world_(use_cgroups) {}
  Runtime& runtime() override { return world_.runtime(); }
  bool replace_adapter() override {
    world_.replace_adapter();
    return true;
  }
  bool crash(const InstanceId& id) override {
    const auto seen = world_.runtime().observe(id.service);
    for (const auto& instance : seen->instances) {
      if (instance.id == id && instance.pid) return ::kill(static_cast<pid_t>(*instance.pid), SIGKILL) == 0;
    }
    return false;
  }
  bool is_deaf(const InstanceId& id) override {
    const auto seen = world_.runtime().observe(id.service);
    return seen && !seen->instances.empty() && seen->instances[0].notify_ready;
  }
  bool wait_until(const std::function<bool()>& condition) override { return test::wait_until(condition); }
  ServiceSpec spec(const std::string& name, Program program) override {
    switch (program) {
      case Program::kRunsOn:
        return ProcessWorld::spec(name, {"pause"});
      case Program::kExits3:
        return ProcessWorld::spec(name, {"exit", "3"});
      case Program::kIgnoresTerm:
        return ProcessWorld::spec(name, {"ignore", "15", "notify", "READY=1", "pause"});
      case Program::kDiesOfAbrt:
        return ProcessWorld::spec(name, {"raise", "6"});
      case Program::kTalks:
        return ProcessWorld::spec(name, {"print", "one", "print", "two", "eprint", "three", "pause"});
      case Program::kMissing:
        break;
    }
    auto missing = ProcessWorld::spec(name, {});
    missing.argv = {"/no/such/program"};
    return missing;
  }

 private:
  ProcessWorld world_;
};

std::unique_ptr<RuntimeBench> with_cgroups() {
  return std::make_unique<ProcessBench>(true);
}
std::unique_ptr<RuntimeBench> without_cgroups() {
  return std::make_unique<ProcessBench>(false);
}

INSTANTIATE_TEST_SUITE_P(Process, RuntimeSuite,
                         testing::Values(RuntimeFactory{"cgroups", with_cgroups},
                                         RuntimeFactory{"plain", without_cgroups}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace holdfast::test
