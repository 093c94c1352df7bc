// The programs are replaced under running services: the controller ends, its files are removed, and a
// controller of another path takes over. Services keep their pids, no line and no exit status is lost, and
// everything that can be asked for still works.
#include <filesystem>
#include <fstream>

#include <signal.h>
#include <sys/wait.h>

#include "tests/e2e/harness/controller.h"
#include "tests/e2e/harness/lines.h"

namespace holdfast::test {
namespace {

namespace fs = std::filesystem;

std::string config() {
  const auto service =
      "{command: [" + line_service() + "], restart: {policy: always, backoff: {base: 10ms}}}\n";
  return "apiVersion: holdfast/v1\ndefaults: {logs: {maxSize: 1Mi, maxFiles: 20}, stop: {gracePeriod: 10s}}\n"
         "services:\n  stopped: " +
         service + "  restarted: " + service + "  crashed: " + service + "  ended: " + service +
         "  calm: " + service;
}
const std::vector<std::string> kServices = {"stopped", "restarted", "crashed", "ended", "calm"};

bool runs(const Json& service) {
  return service.at("phase").as_string() == "Running";
}
const Json& instance_of(const Json& service) {
  static const Json none;
  const auto& instances = service.at("instances").items();
  return instances.empty() ? none : instances.front();
}
pid_t pid_of(const Json& service) {
  return static_cast<pid_t>(instance_of(service).at("pid").as_int());
}
// The program of the process' parent, as /proc shows it.
std::string shim_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("PPid:")) continue;
    std::error_code error;
    return fs::read_symlink("/proc/" + std::to_string(std::atoi(line.c_str() + 5)) + "/exe", error).string();
  }
  return {};
}

class Upgrade : public testing::TestWithParam<int> {
 protected:
  void install(const std::string& name) {
    fs::create_directory(controller_.dir() / name);
    for (const auto* program : {"holdfast", "holdfast-shim"})
      fs::copy_file(binary(program), controller_.dir() / name + "/" + program);
    controller_.setup().program = controller_.dir() / name + "/holdfast";
  }
  void start_services() {
    install("old");
    controller_.start();
    for (const auto& name : kServices) {
      const auto up = controller_.wait_service(name, runs);
      ASSERT_TRUE(up);
      pids_[name] = pid_of(*up);
      EXPECT_EQ(shim_of(pids_[name]), controller_.dir() / "old/holdfast-shim");
    }
  }
  void end_controller(int signal) {
    if (signal == SIGKILL) return controller_.kill9();
    EXPECT_EQ(controller_.end(signal), 0) << controller_.log();
  }
  // Lines go on being kept while there is no controller.
  void expect_more_lines(const std::string& service) {
    const auto before = log_lines(controller_, service).size();
    EXPECT_TRUE(wait_until([&] { return log_lines(controller_, service).size() > before + 10; })) << service;
  }

  Controller controller_{config()};
  std::map<std::string, pid_t> pids_;
};

TEST_P(Upgrade, AControllerOfAnotherPathTakesOverWhatRuns) {
  start_services();
  end_controller(GetParam());
  install("new");
  fs::remove_all(controller_.dir() / "old");
  for (const auto& name : kServices) expect_more_lines(name);
  // This one ends while nobody looks.
  ASSERT_TRUE(signal_process(pids_["ended"], SIGTERM));
  EXPECT_TRUE(
      wait_until([&] { return log_lines(controller_, "ended").back().find("end") != std::string::npos; }));

  controller_.start();
  for (const auto& name : kServices) {
    const auto up = controller_.wait_service(name, runs);
    ASSERT_TRUE(up);
    if (name == "ended") continue;
    EXPECT_EQ(pid_of(*up), pids_[name]) << name;
    EXPECT_EQ(instance_of(*up).at("incarnation").as_int(), 1) << name;
    EXPECT_EQ(up->at("restarts").as_int(), 0) << name;
    EXPECT_EQ(shim_of(pids_[name]), controller_.dir() / "old/holdfast-shim (deleted)") << name;
    expect_more_lines(name);
  }
  const auto ended = controller_.service("ended");
  EXPECT_NE(pid_of(ended), pids_["ended"]);
  EXPECT_EQ(ended.at("lastExit").at("code"), Json(7)) << "what the old shim wrote";
  EXPECT_EQ(dump_json(ended.at("restartsByCause")), R"({"crash":1})");

  EXPECT_EQ(controller_.cli({"stop", "stopped"}).output, "stopped: stopped\n");
  EXPECT_EQ(controller_.cli({"restart", "restarted"}).output, "restarted: restarted\n");
  ASSERT_TRUE(signal_process(pids_["crashed"], SIGKILL));
  const auto again = controller_.wait_service(
      "crashed", [&](const Json& service) { return runs(service) && pid_of(service) != pids_["crashed"]; });
  ASSERT_TRUE(again);
  EXPECT_EQ(again->at("lastExit").at("signal"), Json(SIGKILL));
  for (const auto* name : {"restarted", "crashed", "ended"}) {
    EXPECT_EQ(shim_of(pid_of(controller_.service(name))), controller_.dir() / "new/holdfast-shim") << name;
  }
  EXPECT_EQ(controller_.service("stopped").at("lastExit").at("code"), Json(7));
  EXPECT_EQ(pid_of(controller_.service("calm")), pids_["calm"]);
  EXPECT_TRUE(wait_until([&] { return controller_.marked_processes().size() == kServices.size() - 1; }));

  EXPECT_EQ(controller_.cli({"stop", "--all"}).status, 0);
  for (const auto& name : kServices) {
    const auto lines = check_lines(controller_, name);
    const bool two_runs = name == "restarted" || name == "crashed" || name == "ended";
    EXPECT_EQ(lines.seen, two_runs ? 2u : 1u) << name;
    EXPECT_EQ(lines.ended, name == "crashed" ? 1u : lines.seen) << name << " was cut off";
  }
  EXPECT_TRUE(wait_until([&] { return controller_.marked_processes().empty(); }));
}

INSTANTIATE_TEST_SUITE_P(After, Upgrade, testing::Values(SIGTERM, SIGINT, SIGKILL), [](const auto& signal) {
  return std::string(signal.param == SIGTERM ? "Term" : signal.param == SIGINT ? "Int" : "Kill");
});

// As docs/operations.md says.
TEST(Signals, HupDisturbsNothing) {
  Controller controller(config());
  controller.start();
  const auto calm = controller.wait_service("calm", runs);
  ASSERT_TRUE(calm);
  controller.write_config(config() + "  added: {command: [sleep, \"1000\"]}\n");
  ASSERT_TRUE(signal_process(controller.pid(), SIGHUP));
  EXPECT_TRUE(controller.wait_service("added", runs));
  EXPECT_EQ(pid_of(controller.service("calm")), pid_of(*calm));
}

}  // namespace
}  // namespace holdfast::test
