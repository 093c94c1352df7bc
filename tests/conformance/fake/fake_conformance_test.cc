#include "runtimes/fake/fake_runtime.h"
#include "tests/conformance/runtime_suite.h"
#include "tests/support/support.h"

namespace holdfast::test {
namespace {

// Time passes only while someone waits.
class FakeBench final : public RuntimeBench {
 public:
  Runtime& runtime() override { return runtime_; }
  bool replace_adapter() override { return false; }
  bool crash(const InstanceId& id) override { return runtime_.crash(id); }
  bool is_deaf(const InstanceId& id) override {
    const auto seen = runtime_.observe(id.service);
    return seen && !seen->instances.empty() && seen->instances[0].phase == Phase::kRunning;
  }
  bool wait_until(const std::function<bool()>& condition) override {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      clock_.advance(std::chrono::milliseconds{10});
      runtime_.tick();
    }
    return false;
  }
  ServiceSpec spec(const std::string& name, Program program) override {
    fake::FakeScript script;
    script.startup = std::chrono::milliseconds{20};
    switch (program) {
      case Program::kRunsOn:
        break;
      case Program::kExits3:
        script.run_for = std::chrono::milliseconds{50};
        script.exit = {.code = 3, .signal = {}, .reason = "exit code 3"};
        break;
      case Program::kIgnoresTerm:
        script.stop_after.reset();
        break;
      case Program::kDiesOfAbrt:
        script.run_for = std::chrono::milliseconds{50};
        script.exit = {.code = {}, .signal = 6, .reason = "killed by signal 6 (ABRT)"};
        break;
      case Program::kTalks:
        runtime_.write_log({name, 0}, "stdout", "one");
        runtime_.write_log({name, 0}, "stdout", "two");
        runtime_.write_log({name, 0}, "stderr", "three");
        break;
      case Program::kMissing:
        script.cannot_execute = "cannot execute /no/such/program";
        break;
    }
    runtime_.script(name, script);
    ServiceSpec spec;
    spec.name = name;
    spec.argv = {"program"};
    return spec;
  }

 private:
  SimClock clock_;
  fake::FakeRuntime runtime_{clock_};
};

INSTANTIATE_TEST_SUITE_P(Fake, RuntimeSuite,
                         testing::Values(RuntimeFactory{
                             "memory", [] { return std::unique_ptr<RuntimeBench>(new FakeBench); }}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace holdfast::test
