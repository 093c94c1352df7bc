// Which runtime a service is placed on, with two fake runtimes of which one comes and goes.
#include "controller/reconciler/manager.h"
#include "runtimes/fake/fake_runtime.h"
#include "tests/support/support.h"

namespace holdfast::reconciler {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Availability kThere{.known = true, .available = true, .mode = "engine", .message = "Engine 1"};
const Availability kGone{.known = true, .available = false, .mode = "", .message = "the socket is missing"};
const Availability kUnknown{.known = false, .available = false, .mode = "", .message = "being looked for"};

const char* const kBoth = "services:\n  web: {command: [web], docker: {image: web:1}}\n";

class Placement : public testing::Test {
 protected:
  void SetUp() override { boot(); }
  void boot() {
    manager_.reset();
    auto store = state::Store::open(dir_.path(), clock_);
    auto edits = state::EditStore::open(dir_.path(), clock_);
    ASSERT_TRUE(store && edits);
    manager_ = std::make_unique<Manager>(Manager::Parts{.loop = loop_,
                                                        .clock = clock_,
                                                        .store = std::move(*store),
                                                        .edits = std::move(*edits),
                                                        .runtimes = {process_, docker_}},
                                         ManagerOptions{.state_dir = dir_.path()});
  }
  void load(const std::string& services) {
    EXPECT_THAT(manager_->reload({{"base", "/etc/holdfast.yaml", "apiVersion: holdfast/v1\n" + services}}),
                testing::IsEmpty());
  }
  // Works until nothing is due within `span`.
  void run(Duration span = 0s) {
    const auto end = clock_.now() + span;
    for (int steps = 0; steps < 10'000; ++steps) {
      while (manager_->work_one()) {
      }
      auto next = manager_->next_due();
      for (const auto& runtime : {process_, docker_}) {
        if (const auto transition = runtime->next_transition(); transition && (!next || *transition < *next))
          next = transition;
      }
      if (!next || *next > end) break;
      clock_.advance_to(*next);
      process_->tick();
      docker_->tick();
    }
    clock_.advance_to(end);
  }
  static Capabilities in_containers() {
    auto out = fake::FakeRuntime::default_capabilities();
    out.features["probes.notify"] = Support::kUnsupported;
    return out;
  }
  static size_t live(fake::FakeRuntime& runtime) {
    const auto seen = runtime.observe("web");
    if (!seen) return 0;
    return static_cast<size_t>(
        std::count_if(seen->instances.begin(), seen->instances.end(),
                      [](const auto& instance) { return instance.phase != Phase::kExited; }));
  }
  StatusPtr status() { return manager_->service("web"); }
  std::string condition(const std::string& type) {
    for (const auto& each : status()->conditions) {
      if (each.type == type) return each.reason + ": " + each.message;
    }
    return "";
  }

  test::TempDir dir_;
  test::SimClock clock_;
  EventLoop loop_;
  std::shared_ptr<fake::FakeRuntime> process_ = std::make_shared<fake::FakeRuntime>(clock_);
  std::shared_ptr<fake::FakeRuntime> docker_ =
      std::make_shared<fake::FakeRuntime>(clock_, RuntimeKind::kDocker, in_containers());
  std::unique_ptr<Manager> manager_;
};

TEST_F(Placement, AutoPrefersDockerWhereAnEngineAnswers) {
  load(kBoth);
  run();
  EXPECT_EQ(status()->runtime, RuntimeKind::kDocker);
  EXPECT_EQ(live(*docker_), 1u);
  EXPECT_EQ(live(*process_), 0u);
  EXPECT_EQ(condition("Degraded"), "");
}

TEST_F(Placement, AutoWithoutAnImageIsAProcess) {
  load("services:\n  web: {command: [web]}\n");
  run();
  EXPECT_EQ(status()->runtime, RuntimeKind::kProcess);
}

TEST_F(Placement, AutoWithoutACommandWaitsForDocker) {
  docker_->set_availability(kGone);
  load("services:\n  web: {docker: {image: web:1}}\n");
  run();
  EXPECT_EQ(status()->phase, "Unknown");
  EXPECT_THAT(status()->last_error->message, HasSubstr("the socket is missing"));
  docker_->set_availability(kThere);
  manager_->resync();
  run();
  EXPECT_EQ(live(*docker_), 1u);
}

TEST_F(Placement, NothingIsDecidedBeforeAnybodyLooked) {
  docker_->set_availability(kUnknown);
  load(kBoth);
  run();
  EXPECT_EQ(live(*process_), 0u);
  EXPECT_FALSE(status()->last_error);  // not to have looked yet is no fault
  docker_->set_availability(kThere);
  run(1s);
  EXPECT_EQ(live(*docker_), 1u);
}

TEST_F(Placement, AutoFallsBackToAProcessAndSaysSo) {
  docker_->set_availability(kGone);
  load(kBoth);
  run();
  EXPECT_EQ(status()->runtime, RuntimeKind::kProcess);
  EXPECT_EQ(live(*process_), 1u);
  EXPECT_THAT(condition("Degraded"),
              HasSubstr("FallbackRuntime: docker can't be used: the socket is missing"));
}

TEST_F(Placement, ItStaysWhereItRunsWhenDockerComesBackAndMovesWithItsNextRestart) {
  docker_->set_availability(kGone);
  load(kBoth);
  run();
  docker_->set_availability(kThere);
  manager_->resync();
  run(60s);
  EXPECT_EQ(live(*process_), 1u);
  EXPECT_EQ(live(*docker_), 0u);
  EXPECT_THAT(condition("Degraded"), HasSubstr("moves there with its next restart"));
  ASSERT_TRUE(manager_->command("web", Verb::kRestart, {"alice", ""}));
  run(1s);
  EXPECT_EQ(live(*process_), 0u);
  EXPECT_EQ(live(*docker_), 1u);
  EXPECT_EQ(status()->runtime, RuntimeKind::kDocker);
  EXPECT_EQ(condition("Degraded"), "");
  EXPECT_THAT(docker_->violations(), testing::IsEmpty());
}

TEST_F(Placement, ACrashWhileDockerIsBackMovesItToo) {
  docker_->set_availability(kGone);
  load(kBoth);
  run();
  docker_->set_availability(kThere);
  process_->crash({"web", 0});
  run(1s);
  EXPECT_EQ(live(*process_), 0u);
  EXPECT_EQ(live(*docker_), 1u);
  EXPECT_EQ(status()->restarts_by_cause.at("crash"), 1u);
}

TEST_F(Placement, AnEngineThatIsGoneIsNoReasonForASecondRun) {
  load(kBoth);
  run();
  ASSERT_EQ(live(*docker_), 1u);
  docker_->set_availability(kGone);
  run(60s);
  EXPECT_EQ(status()->phase, "Unknown");
  EXPECT_EQ(live(*process_), 0u);
  boot();  // nor for a controller that comes back
  load(kBoth);
  run(60s);
  EXPECT_EQ(live(*process_), 0u);
  EXPECT_EQ(status()->phase, "Unknown");
  docker_->set_availability(kThere);
  run(60s);
  EXPECT_EQ(status()->phase, "Running");
  EXPECT_EQ(docker_->counters().starts, 1u);
}

TEST_F(Placement, WhatHasEndedThereMayGoOnElsewhere) {
  load(kBoth + std::string("defaults: {restart: {backoff: {initial: 10s}}}\n"));
  run();
  docker_->crash({"web", 0});
  run();  // its end is seen; the restart is due later
  docker_->set_availability(kGone);
  run(20s);
  EXPECT_EQ(live(*process_), 1u);
  docker_->set_availability(kThere);
  run(60s);
  EXPECT_EQ(live(*process_), 1u);
  EXPECT_TRUE(docker_->observe("web")->instances.empty());  // what was left of it there is gone
  EXPECT_EQ(status()->phase, "Running");
}

TEST_F(Placement, ProcessesDoNotMindThatDockerIsGone) {
  docker_->set_availability(kGone);
  load("services:\n  web: {runtime: process, command: [web]}\n");
  run();
  EXPECT_EQ(status()->phase, "Running");
  process_->crash({"web", 0});
  run(1s);
  EXPECT_EQ(live(*process_), 1u);
}

TEST_F(Placement, AChangedRuntimeMovesTheServiceAndNeverRunsItTwice) {
  load("services:\n  web: {runtime: process, command: [web], docker: {image: web:1}}\n");
  run();
  ASSERT_EQ(live(*process_), 1u);
  load("services:\n  web: {runtime: docker, command: [web], docker: {image: web:1}}\n");
  run(1s);
  EXPECT_EQ(live(*process_), 0u);
  EXPECT_EQ(live(*docker_), 1u);
  boot();
  load("services:\n  web: {runtime: docker, command: [web], docker: {image: web:1}}\n");
  run(1s);
  EXPECT_EQ(docker_->counters().starts, 1u);
}

TEST_F(Placement, ASecondRunElsewhereIsTakenDown) {
  load("services:\n  web: {runtime: process, command: [web]}\n");
  run();
  ObservedInstance stranger;
  stranger.id = {"web", 0};
  stranger.incarnation = 7;
  stranger.phase = Phase::kRunning;
  docker_->plant(stranger);
  run(1s);
  EXPECT_EQ(live(*docker_), 0u);
  EXPECT_TRUE(docker_->observe("web")->instances.empty());
  EXPECT_EQ(live(*process_), 1u);
  EXPECT_EQ(process_->counters().starts, 1u);
}

TEST_F(Placement, AnOrphanIsFoundWhenItsRuntimeComesBack) {
  load("services:\n  web: {runtime: docker, docker: {image: web:1}}\n  other: {command: [x]}\n");
  run();
  docker_->set_availability(kGone);
  boot();
  load("services:\n  other: {command: [x]}\n");
  run(5s);
  docker_->set_availability(kThere);
  run(5s);
  EXPECT_TRUE(docker_->observe("web")->instances.empty());
  EXPECT_EQ(status(), nullptr);
}

TEST_F(Placement, WhatRunsGoesOnUntilAllIsThereForItsSuccessor) {
  load("services:\n  web: {runtime: docker, docker: {image: web:1}}\n");
  run();
  docker_->set_preparation("web", Preparation{"the image web:2: 40 %"});
  load("services:\n  web: {runtime: docker, docker: {image: web:2}}\n");
  run(60s);
  EXPECT_EQ(docker_->counters().signals, 0u);
  EXPECT_EQ(live(*docker_), 1u);
  EXPECT_THAT(status()->waiting_for, testing::ElementsAre("the image web:2: 40 %"));
  EXPECT_FALSE(status()->settled);
  docker_->set_preparation("web", Preparation{});
  run(1s);
  EXPECT_EQ(docker_->counters().starts, 2u);
  EXPECT_TRUE(status()->settled);
}

TEST_F(Placement, AFirstStartWaitsForItsImageAndSaysSo) {
  docker_->set_preparation("web", Preparation{"the image web:1: pulling"});
  load("services:\n  web: {runtime: docker, docker: {image: web:1}}\n");
  run();
  EXPECT_EQ(status()->phase, "Waiting");
  EXPECT_THAT(condition("Ready"), HasSubstr("Preparing: waiting for the image web:1: pulling"));
  docker_->set_preparation("web", fail(ErrorCode::kNotFound, "no such image: web:1"));
  run();
  EXPECT_THAT(status()->last_error->message, HasSubstr("no such image"));
  EXPECT_EQ(docker_->counters().starts, 0u);
}

TEST_F(Placement, AProbeThatARuntimeHasNoMeansForIsLeftOutThere) {
  docker_->set_availability(kThere);
  load(
      "services:\n  web: {runtime: docker, command: [web], docker: {image: web:1},"
      " health: {startup: {notify: {}}}}\n");
  run();
  EXPECT_TRUE(status()->ready);
  EXPECT_THAT(condition("Degraded"), HasSubstr("Unsupported: startup probe: not to be had on this runtime"));
  EXPECT_TRUE(status()->spec->health.startup) << "what is declared stays so";
}

}  // namespace
}  // namespace holdfast::reconciler
