// The demo as it is shipped, only faster: the real converter below a real controller joins what the real
// feeder writes, while it is killed again and again. No group may be lost or done twice, and every restart
// must be told, with its cause, wherever an operator looks.
#include <filesystem>
#include <random>

#include <poll.h>
#include <signal.h>

#include "controller/base/file.h"
#include "tests/e2e/demo_checks/checks.h"

namespace holdfast::test {
namespace {

namespace fs = std::filesystem;

constexpr int kGroups = 40, kSubbands = 4;
constexpr int kKills = 25;  // at least; more if the feeder still writes

class Demo {
 public:
  Demo() : controller_(read_file(HOLDFAST_DEMO_CONFIG).value_or(""), setup()) {
    fs::create_directory(controller_.dir() / "overlay");
    const auto written = write_file_atomically(controller_.dir() / "overlay/fast.yaml", overlay());
    EXPECT_TRUE(written) << written.error().message;
    controller_.start({"--overlay", controller_.dir() / "overlay"});
  }
  [[nodiscard]] const Controller& controller() const { return controller_; }
  [[nodiscard]] DemoWorld world() const {
    return {.controller = controller_,
            .streaming = "streaming",
            .feeder = "feeder",
            .queue_db = at("queue.sqlite3"),
            .products = at("out"),
            .scratch = at("scratch"),
            .groups = kGroups,
            .subbands = kSubbands};
  }
  [[nodiscard]] std::string at(const std::string& name) const { return controller_.dir() / name; }

 private:
  // As in scripts/run: the programs are found on PATH.
  static ControllerSetup setup() {
    return {
        .env = {{"PATH", fs::path(binary("holdfast")).parent_path().string() + ":" + std::getenv("PATH")}}};
  }
  [[nodiscard]] std::string overlay() const {
    const auto parameter = [&](const std::string& name, const std::string& value) {
      return "      " + name + ": " + value + "\n";
    };
    return "services:\n  streaming:\n"
           "    restart: {backoff: {base: 10ms, max: 50ms}, budget: {attempts: 0}}\n"
           "    health: {startup: {interval: 100ms, failureThreshold: 600}}\n"
           "    parameters:\n" +
           parameter("input_dir", at("in")) + parameter("output_dir", at("out")) +
           parameter("queue_db", at("queue.sqlite3")) + parameter("registry_db", at("registry.sqlite3")) +
           parameter("scratch_dir", at("scratch")) +
           parameter("expected_subbands", std::to_string(kSubbands)) + parameter("poll_interval", "0.2") +
           parameter("worker_poll_interval", "0.05") + parameter("max_workers", "2") +
           "  feeder:\n    restart: {policy: on-failure}\n"
           "    args: [--output-dir, \"${output_dir}\", --subbands, \"${subbands}\", --channels, "
           "\"${channels}\", "
           "--interval, \"${interval}\", --baselines, \"2\", --groups, \"" +
           std::to_string(kGroups) + "\"]\n    parameters: {output_dir: " + at("in") +
           ", subbands: " + std::to_string(kSubbands) + ", channels: 4, interval: 150ms}\n";
  }

  Controller controller_;
};

// How often the converter was killed.
int kill_over_and_over(const Demo& demo) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto world = demo.world();
  pid_t pid = running_again(world, -1);
  int kills = 0;
  for (bool restarted = false; pid > 0 && (kills < kKills || !feeder_has_ended(world));) {
    if (kills == kKills / 2 && !std::exchange(restarted, true)) {
      const auto restart = demo.controller().cli({"restart", "streaming"});
      EXPECT_EQ(restart.status, 0) << restart.output;
      EXPECT_EQ(restart.output, "streaming: restarted\n");
      pid = running_again(world, pid);
      continue;
    }
    poll(nullptr, 0, static_cast<int>(random() % 150));  // the moment is what is random
    EXPECT_TRUE(signal_process(pid, SIGKILL)) << "run " << kills << " had ended by itself";
    ++kills;
    pid = running_again(world, pid);
  }
  return kills;
}

TEST(Demo, ConvertsEveryGroupOnceWhileTheConverterIsKilledAndTellsEachRestart) {
  const Demo demo;
  ASSERT_FALSE(HasFailure());
  const int kills = kill_over_and_over(demo);
  EXPECT_GE(kills, kKills);
  const auto world = demo.world();
  EXPECT_TRUE(wait_until([&] { return feeder_has_ended(world); }));
  expect_every_group_done_once(world);
  expect_restarts_told(world, kills);
  expect_facade_tells_queue(world);
}

}  // namespace
}  // namespace holdfast::test
