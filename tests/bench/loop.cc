// What one change and a full resync cost the loop, in CPU time, with few services and with many; on the fake
// runtime, so that no kernel is in the way.
//
//   bench-loop SERVICES     prints "WHAT MICROSECONDS", one per line
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <vector>

#include "controller/reconciler/manager.h"
#include "runtimes/fake/fake_runtime.h"

namespace {

using namespace holdfast;
using namespace std::chrono_literals;

constexpr int kChanges = 200, kEdits = 9, kResyncs = 9;
const Actor kOperator{"operator", "127.0.0.1:1"};

class ManualClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const override { return MonoTime{time_}; }
  [[nodiscard]] WallTime wall() const override { return WallTime{1767225600s + time_}; }
  void advance(Duration by) { time_ += by; }

 private:
  Duration time_ = 1000s;
};

class Scratch {
 public:
  Scratch() {
    std::string pattern = std::filesystem::temp_directory_path() / "bench-loop.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory can be made");
    path = pattern;
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path;
};

template <typename T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

std::string name_of(int i) {
  return "s" + std::to_string(i);
}

std::string document(int services) {
  Json all = Json::object();
  for (int i = 0; i < services; ++i)
    all.set(name_of(i), Json::object({{"command", Json::array({"program", "--number", std::to_string(i)})}}));
  return dump_json(Json::object({{"apiVersion", "holdfast/v1"}, {"services", std::move(all)}}));
}

class World {
 public:
  explicit World(int services)
      : services_(services),
        runtime_(std::make_shared<fake::FakeRuntime>(clock_)),
        manager_({.loop = loop_,
                  .clock = clock_,
                  .store = value(state::Store::open(scratch_.path, clock_)),
                  .edits = value(state::EditStore::open(scratch_.path, clock_)),
                  .runtimes = {runtime_},
                  .prober = nullptr,
                  .usage = {},
                  .collected = {},
                  .on_config = {}},
                 {.state_dir = scratch_.path}) {
    if (!manager_.reload({{"base", "/etc/holdfast.json", document(services)}}).empty())
      throw std::runtime_error("the document is refused");
    drain();
    if (runtime_->counters().starts != static_cast<std::uint64_t>(services))
      throw std::runtime_error("not every service was started");
  }

  void crash(int i) {
    if (!runtime_->crash({name_of(i), 0})) throw std::runtime_error(name_of(i) + " isn't running");
  }
  void restart(int i) { value(manager_.command(name_of(i), Verb::kRestart, kOperator)); }
  void edit(int i) {
    const auto patch = Json::object({{"args", Json::array({"--number", std::to_string(++edits_)})}});
    value(manager_.patch_config(Json::object({{"services", Json::object({{name_of(i), patch}})}}),
                                std::nullopt, kOperator));
  }
  void resync() { manager_.resync(); }

  // Works until nothing is due. The clock stands still meanwhile.
  void drain() {
    do runtime_->tick();
    while (work());
  }
  // Lets every backoff and stable run come to its end, apart from what is measured.
  void rest() {
    clock_.advance(10min);
    drain();
  }
  [[nodiscard]] int spread(int i, int of) const { return static_cast<int>(std::int64_t{services_} * i / of); }
  [[nodiscard]] std::uint64_t starts() const { return runtime_->counters().starts; }

 private:
  bool work() {
    bool any = false;
    while (manager_.work_one()) any = true;
    return any;
  }

  Scratch scratch_;
  ManualClock clock_;
  EventLoop loop_;
  int services_, edits_ = 0;
  std::shared_ptr<fake::FakeRuntime> runtime_;
  reconciler::Manager manager_;
};

// Of the whole process: what is left to another thread costs too.
double cpu_us() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// The median of `times` runs of `act`, each worked off to the end.
void measure(World& world, const char* what, int times, const std::function<void(int)>& act) {
  std::vector<double> costs;
  for (int i = 0; i < times; ++i) {
    const auto began = cpu_us();
    act(world.spread(i, times));
    world.drain();
    costs.push_back(cpu_us() - began);
  }
  world.rest();
  std::sort(costs.begin(), costs.end());
  std::printf("%s %.0f\n", what, costs[costs.size() / 2]);
}

void run(int services) {
  World world(services);
  world.rest();
  const auto before = world.starts();
  measure(world, "crash", kChanges, [&](int i) { world.crash(i); });
  measure(world, "restart", kChanges, [&](int i) { world.restart(i); });
  measure(world, "edit", kEdits, [&](int i) { world.edit(i); });
  if (world.starts() != before + std::uint64_t{2} * kChanges + kEdits)
    throw std::runtime_error("a change went astray");
  measure(world, "resync", kResyncs, [&](int) { world.resync(); });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::atoi(argv[1]) : 100);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench-loop: %s\n", e.what());
    return 1;
  }
}
