// holdfast_test_controller STATE_DIR SEED: starts, stops, kills and removes five services without end, in an
// order that the seed decides, as a controller would: it writes an incarnation down before it starts it. Made
// to be killed at any moment. Says "ready" on stdout once it has adopted what was there.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>

#include <poll.h>

#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "runtimes/process/process_runtime.h"

namespace {

using namespace holdfast;

std::uint64_t last_incarnation(const std::string& journal) {
  std::ifstream file(journal);
  std::uint64_t last = 0;
  for (std::uint64_t next = 0; file >> next;) last = next;
  return last;
}

SpecPtr make_spec(const std::string& name, const std::string& state_dir, std::uint64_t incarnation) {
  auto spec = std::make_shared<ServiceSpec>();
  spec->name = name;
  spec->spec_hash = "hash";
  spec->logs = {.max_size = 64 << 10, .max_files = 1000};
  spec->argv = {HOLDFAST_TEST_SERVICE,
                "append",
                state_dir + "/started-" + name,
                std::to_string(incarnation),
                "escape",
                "1",
                "exit-on",
                "15",
                "7",
                "counting"};
  return spec;
}

class Controller {
 public:
  Controller(Runtime& runtime, std::string state_dir, unsigned seed)
      : runtime_(runtime), state_dir_(std::move(state_dir)), random_(seed) {}

  void step(const std::string& service) {
    const auto seen = runtime_.observe(service);
    if (!seen) return;
    if (seen->instances.empty()) {
      start(service);
      return;
    }
    const auto& instance = seen->instances[0];
    const InstanceId id = instance.id;
    const auto dice = random_() % 10;
    if (instance.phase == Phase::kExited && dice < 3)
      (void)runtime_.execute(RemoveInstance{id, instance.incarnation, "test"}, {});
    else if (instance.phase == Phase::kExited)
      start(service);
    else if (instance.phase == Phase::kRunning && dice < 3)
      (void)runtime_.execute(SignalInstance{id, instance.incarnation, 15, "test"}, {});
    else if (instance.phase == Phase::kRunning && dice < 4)
      (void)runtime_.execute(KillInstance{id, instance.incarnation, "test"}, {});
  }

 private:
  void start(const std::string& service) {
    const std::string journal = state_dir_ + "/journal-" + service;
    const std::uint64_t incarnation = last_incarnation(journal) + 1;
    std::ofstream(journal, std::ios::app) << incarnation << std::endl;
    (void)runtime_.execute(StartInstance{{service, 0}, incarnation, "test"},
                           {make_spec(service, state_dir_, incarnation), 0});
  }

  Runtime& runtime_;
  const std::string state_dir_;
  std::mt19937 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  EventLoop loop;
  SystemClock clock;
  auto runtime = make_process_runtime(loop, clock, {argv[1], HOLDFAST_SHIM});
  if (!runtime) {
    std::fprintf(stderr, "%s\n", runtime.error().message.c_str());
    return 1;
  }
  std::jthread thread([&loop] { loop.run(); });
  std::puts("ready");
  std::fflush(stdout);
  Controller controller(**runtime, argv[1], static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)));
  for (unsigned i = 0;; ++i) {
    controller.step("s" + std::to_string(i % 5));
    if (i % 5 == 4) poll(nullptr, 0, 1);
  }
}
