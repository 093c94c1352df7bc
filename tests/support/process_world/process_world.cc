#include "tests/support/process_world/process_world.h"

#include <stdexcept>

namespace holdfast::test {

ProcessWorld::ProcessWorld(bool use_cgroups) : use_cgroups_(use_cgroups) {
  make_adapter();
  thread_ = std::jthread([this] { loop_.run(); });
}

ProcessWorld::~ProcessWorld() {
  if (!runtime_) make_adapter();
  for (const auto& service : runtime_->list_owned().value_or(std::vector<std::string>{})) {
    const bool ended = wait_until([&] {
      bool all = true;
      for (const auto& seen : runtime_->observe(service).value_or(Observation{}).instances) {
        if (seen.phase == Phase::kExited) continue;
        all = false;
        if (const auto killed = runtime_->execute(KillInstance{seen.id, seen.incarnation, "end"}, {});
            !killed)
          return false;
      }
      return all;
    });
    if (!ended) std::fprintf(stderr, "%s still runs at the end of a test\n", service.c_str());
  }
  runtime_.reset();
  loop_.stop();
}

std::string ProcessWorld::run_dir(const std::string& service, int ordinal) const {
  return directory_ / ("run/" + service + "/" + std::to_string(ordinal));
}

void ProcessWorld::make_adapter() {
  ProcessRuntimeOptions options;
  options.state_dir = directory_.path();
  options.shim_path = HOLDFAST_SHIM;
  options.use_cgroups = use_cgroups_;
  auto made = make_process_runtime(loop_, clock_, std::move(options));
  if (!made) throw std::runtime_error(made.error().message);
  runtime_ = std::move(*made);
}

void ProcessWorld::replace_adapter() {
  runtime_.reset();
  make_adapter();
}

ServiceSpec ProcessWorld::spec(const std::string& name, std::vector<std::string> words) {
  ServiceSpec spec;
  spec.name = name;
  spec.spec_hash = "hash";
  spec.argv = std::move(words);
  spec.argv.insert(spec.argv.begin(), HOLDFAST_TEST_SERVICE);
  return spec;
}

}  // namespace holdfast::test
