// The demo in containers as it is shipped, only faster: the real converter in a container below a real
// controller joins what the real feeder writes in another, while its container is killed again and again. No
// group may be lost or done twice, and every restart must be told, with its cause, wherever an operator
// looks.
#include <filesystem>
#include <memory>
#include <random>

#include <poll.h>

#include "controller/base/file.h"
#include "tests/e2e/demo_checks/checks.h"
#include "tests/support/docker_world/docker_world.h"
#include "tests/support/sanitized.h"

namespace holdfast::test {
namespace {

namespace fs = std::filesystem;

constexpr int kGroups = 40, kSubbands = 4;
constexpr int kKills = kSanitized ? 10 : 25;  // at least; more if the feeder still writes

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  ASSERT_NE(text.find(what), std::string::npos) << what;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

class DockerDemo : public testing::Test {
 protected:
  // Containers are named after services, on an engine that other tests use too.
  DockerDemo()
      : world_(std::make_unique<DockerWorld>()),
        engine_(world_->engine()),
        streaming_(world_->name("streaming")),
        feeder_(world_->name("feeder")),
        image_(world_->name("demo") + ":1"),
        controller_("", {.env = {{"DOCKER_HOST", engine_.host()}}}) {}
  ~DockerDemo() override {
    if (controller_.pid() > 0) controller_.kill9();
    world_.reset();  // the containers, before the directories that they write to
    static_cast<void>(engine_.docker({"rmi", "--force", image_}));
  }

  void SetUp() override {
    const auto made =
        run_program({HOLDFAST_MAKE_IMAGE, image_, binary("streaming-converter"), binary("subband-feeder")},
                    {{"DOCKER_HOST", engine_.host()}});
    ASSERT_EQ(made.status, 0) << made.output;
    controller_.write_config(config());
    fs::create_directory(data());
    fs::create_directory(controller_.dir() / "overlay");
    const auto written = write_file_atomically(controller_.dir() / "overlay/fast.yaml", overlay());
    ASSERT_TRUE(written) << written.error().message;
    controller_.start({"--overlay", controller_.dir() / "overlay"});
  }

  [[nodiscard]] std::string data() const { return controller_.dir() / "data"; }
  [[nodiscard]] DemoWorld demo() const {
    return {.controller = controller_,
            .streaming = streaming_,
            .feeder = feeder_,
            .queue_db = data() + "/db/ingest.sqlite3",
            .products = data() + "/products",
            .scratch = data() + "/scratch",
            .groups = kGroups,
            .subbands = kSubbands};
  }
  [[nodiscard]] std::string container() const { return "holdfast-" + streaming_ + "-0"; }
  [[nodiscard]] std::string config() const;
  [[nodiscard]] std::string overlay() const;
  void expect_pid_told(pid_t pid) const;
  int kill_over_and_over();

  std::unique_ptr<DockerWorld> world_;
  const EngineAddress engine_;
  const std::string streaming_, feeder_, image_;
  Controller controller_;
};

// What is shipped, with names and paths of our own.
std::string DockerDemo::config() const {
  auto text = read_file(HOLDFAST_DEMO_CONFIG).value_or("");
  replace_all(text, "runtime: process ", "runtime: docker ");
  replace_all(text, "/tmp/holdfast-demo", data());
  replace_all(text, "holdfast-demo:1", image_);
  replace_all(text, "{service: streaming}", "{service: " + streaming_ + "}");
  replace_all(text, "dependsOn: {streaming:", "dependsOn: {" + streaming_ + ":");
  replace_all(text, "\n  streaming:\n", "\n  " + streaming_ + ":\n");
  replace_all(text, "\n  feeder:\n", "\n  " + feeder_ + ":\n");
  return text;
}

std::string DockerDemo::overlay() const {
  return "services:\n  " + streaming_ +
         ":\n"
         "    restart: {backoff: {base: 10ms, max: 50ms}, budget: {attempts: 0}}\n"
         "    parameters: {expected_subbands: " +
         std::to_string(kSubbands) + ", poll_interval: 0.2, worker_poll_interval: 0.05, max_workers: 2}\n  " +
         feeder_ +
         ":\n    restart: {policy: on-failure}\n"
         "    args: [--output-dir, \"${output_dir}\", --subbands, \"${subbands}\", --channels, "
         "\"${channels}\", --interval, \"${interval}\", --baselines, \"2\", --groups, \"" +
         std::to_string(kGroups) + "\"]\n    parameters: {subbands: " + std::to_string(kSubbands) +
         ", channels: 4, interval: 250ms}\n";
}

// The main process of the container, for clients of the facade too.
void DockerDemo::expect_pid_told(pid_t pid) const {
  const auto text = std::to_string(pid);
  EXPECT_EQ(engine_.docker_ok({"inspect", "--format", "{{.State.Pid}}", container()}), text);
  EXPECT_EQ(controller_.get("/api/streaming/status").json.at("pid"), Json(pid));
  EXPECT_TRUE(wait_until([&] {
    const auto file = read_file(controller_.state_dir() + "/streaming.pid");
    return file && file->substr(0, file->find('\n')) == text;
  }));
}

// How often the converter's container was killed.
int DockerDemo::kill_over_and_over() {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  pid_t pid = running_again(demo(), -1);
  int kills = 0;
  for (bool restarted = false; pid > 0 && (kills < kKills || !feeder_has_ended(demo()));) {
    expect_pid_told(pid);
    if (kills == kKills / 2 && !std::exchange(restarted, true)) {
      const auto restart = controller_.cli({"restart", streaming_});
      EXPECT_EQ(restart.status, 0) << restart.output;
      pid = running_again(demo(), pid);
      continue;
    }
    poll(nullptr, 0, static_cast<int>(random() % 300));  // the moment is what is random
    engine_.docker_ok({"kill", "--signal", "KILL", container()});
    ++kills;
    pid = running_again(demo(), pid);
  }
  return kills;
}

TEST_F(DockerDemo, ConvertsEveryGroupOnceWhileTheContainerIsKilledAndTellsEachRestart) {
  const int kills = kill_over_and_over();
  EXPECT_GE(kills, kKills);
  EXPECT_TRUE(wait_until([&] { return feeder_has_ended(demo()); }));
  expect_every_group_done_once(demo());
  expect_restarts_told(demo(), kills);
  expect_facade_tells_queue(demo());
}

}  // namespace
}  // namespace holdfast::test
