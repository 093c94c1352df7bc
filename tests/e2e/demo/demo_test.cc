// The demo as it is shipped, only faster: the real converter below a real controller joins what the real
// feeder writes, while it is killed again and again. No group may be lost or done twice, and every restart
// must be told, with its cause, wherever an operator looks.
#include <filesystem>
#include <random>
#include <set>

#include <SQLiteCpp/SQLiteCpp.h>
#include <poll.h>
#include <signal.h>

#include "controller/base/file.h"
#include "examples/streaming-converter/join.h"
#include "tests/e2e/harness/controller.h"

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
  [[nodiscard]] std::string at(const std::string& name) const { return controller_.dir() / name; }

  [[nodiscard]] int number(const std::string& sql) const {
    try {
      SQLite::Database db(at("queue.sqlite3"), SQLite::OPEN_READONLY, 5000);
      SQLite::Statement query(db, sql);
      return query.executeStep() ? query.getColumn(0).getInt() : -1;
    } catch (const SQLite::Exception&) {
      return -1;  // not created yet
    }
  }

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

pid_t pid_of(const Json& service) {
  const auto& instances = service.at("instances").items();
  return instances.empty() ? -1 : static_cast<pid_t>(instances.front().at("pid").as_int());
}

// The pid of a run that is up and is not `before`.
pid_t running_again(const Controller& controller, pid_t before) {
  const auto up = controller.wait_service("streaming", [before](const Json& service) {
    return service.at("phase").as_string() == "Running" && service.at("ready").as_bool() &&
           pid_of(service) > 0 && pid_of(service) != before;
  });
  return up ? pid_of(*up) : -1;
}

bool feeder_has_ended(const Controller& controller) {
  return controller.service("feeder").at("phase").as_string() == "Completed";
}

// How often the converter was killed.
int kill_over_and_over(Demo& demo) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto& controller = demo.controller();
  pid_t pid = running_again(controller, -1);
  int kills = 0;
  for (bool restarted = false; pid > 0 && (kills < kKills || !feeder_has_ended(controller));) {
    if (kills == kKills / 2 && !std::exchange(restarted, true)) {
      const auto restart = controller.cli({"restart", "streaming"});
      EXPECT_EQ(restart.status, 0) << restart.output;
      EXPECT_EQ(restart.output, "streaming: restarted\n");
      pid = running_again(controller, pid);
      continue;
    }
    poll(nullptr, 0, static_cast<int>(random() % 150));  // the moment is what is random
    EXPECT_TRUE(signal_process(pid, SIGKILL)) << "run " << kills << " had ended by itself";
    ++kills;
    pid = running_again(controller, pid);
  }
  return kills;
}

std::vector<Json> events_of(const Json& answer, const std::string& type, const std::string& cause) {
  std::vector<Json> found;
  for (const auto& event : answer.at("items").items()) {
    if (event.at("service").as_string() == "streaming" && event.at("type").as_string() == type &&
        event.at("cause").as_string() == cause)
      found.push_back(event);
  }
  return found;
}

void expect_every_group_done_once(const Demo& demo) {
  EXPECT_TRUE(wait_until([&] {
    return demo.number("SELECT COUNT(*) FROM ingest_queue WHERE state='completed'") == kGroups;
  })) << demo.number("SELECT COUNT(*) FROM ingest_queue WHERE state='completed'")
      << " groups were completed\n"
      << demo.controller().log();
  EXPECT_EQ(demo.number("SELECT COUNT(*) FROM ingest_queue"), kGroups);
  EXPECT_EQ(demo.number("SELECT COUNT(*) FROM completions"), kGroups);
  EXPECT_EQ(demo.number("SELECT COUNT(DISTINCT group_id) FROM completions"), kGroups);
  std::set<std::string> groups;
  for (const auto& entry : fs::directory_iterator(demo.at("out"))) {
    const auto product = examples::inspect_product(entry.path());
    ASSERT_TRUE(product) << product.error().message;
    EXPECT_EQ(product->subbands, kSubbands);
    EXPECT_TRUE(groups.insert(product->group).second) << product->group << " is there twice";
  }
  EXPECT_EQ(groups.size(), static_cast<size_t>(kGroups));
  EXPECT_TRUE(fs::is_empty(demo.at("scratch")));
}

void expect_restarts_told(const Controller& controller, int kills) {
  const auto count = std::to_string(kills);
  const auto service = controller.service("streaming");
  EXPECT_EQ(dump_json_canonical(service.at("restartsByCause")), R"({"crash":)" + count + R"(,"operator":1})");
  EXPECT_EQ(service.at("restarts").as_int(), kills + 1);
  EXPECT_EQ(service.at("lastExit").at("signal"), Json(SIGKILL));

  const auto events = controller.get("/api/v1/events?limit=10000").json;
  const auto exits = events_of(events, "Exited", "crash");
  EXPECT_EQ(exits.size(), static_cast<size_t>(kills));
  for (const auto& exit : exits) EXPECT_EQ(exit.at("exit").at("signal"), Json(SIGKILL));
  EXPECT_EQ(events_of(events, "Started", "crash").size(), static_cast<size_t>(kills));
  EXPECT_EQ(events_of(events, "Started", "operator").size(), 1u);

  const auto metrics = controller.metrics();
  const std::string series = "holdfast_service_restarts_total{";
  EXPECT_NE(metrics.find(series + "service=\"streaming\",cause=\"crash\"} " + count + "\n"),
            std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find(series + "service=\"streaming\",cause=\"operator\"} 1\n"), std::string::npos);

  const auto status = controller.cli({"status", "streaming"});
  EXPECT_EQ(status.status, 0);
  EXPECT_NE(status.output.find(std::to_string(kills + 1) + " (crash " + count + ", operator 1)"),
            std::string::npos)
      << status.output;
  const auto told = controller.cli({"events", "streaming", "--limit", "10000"});
  EXPECT_EQ(told.status, 0);
  for (const auto* word : {"crash", "operator", "signal 9"}) {
    EXPECT_NE(told.output.find(word), std::string::npos) << word << "\n" << told.output;
  }
}

TEST(Demo, ConvertsEveryGroupOnceWhileTheConverterIsKilledAndTellsEachRestart) {
  Demo demo;
  ASSERT_FALSE(HasFailure());
  const int kills = kill_over_and_over(demo);
  EXPECT_GE(kills, kKills);
  const auto& controller = demo.controller();
  EXPECT_TRUE(controller.wait_service(
      "feeder", [](const Json& service) { return service.at("phase").as_string() == "Completed"; }));
  expect_every_group_done_once(demo);
  expect_restarts_told(controller, kills);
  // The facade reads the service's own queue.
  EXPECT_TRUE(wait_until([&] {
    const auto metrics = controller.get("/api/streaming/metrics").json;
    return metrics.at("queue_stats") == Json::object({{"completed", kGroups}});
  })) << controller.get("/api/streaming/metrics").text;
}

}  // namespace
}  // namespace holdfast::test
