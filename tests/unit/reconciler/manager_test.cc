// The manager over the fake runtime, driven by hand on a simulated clock: no thread runs, no time passes by
// itself.
#include "controller/reconciler/manager.h"

#include "controller/base/file.h"
#include "runtimes/fake/fake_runtime.h"
#include "tests/support/support.h"

namespace holdfast::reconciler {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ManagerTest : public testing::Test {
 protected:
  void SetUp() override { boot(); }

  // A controller that begins with what the last one left on disk.
  void boot() {
    manager_.reset();
    auto store = state::Store::open(dir_.path(), clock_);
    auto edits = state::EditStore::open(dir_.path(), clock_);
    ASSERT_TRUE(store && edits);
    manager_ = std::make_unique<Manager>(Manager::Parts{.loop = loop_,
                                                        .clock = clock_,
                                                        .store = std::move(*store),
                                                        .edits = std::move(*edits),
                                                        .runtimes = {runtime_}},
                                         ManagerOptions{.state_dir = dir_.path()});
  }

  std::vector<ConfigError> load(const std::string& yaml) {
    return manager_->reload({{"base", "/etc/holdfast.yaml", yaml}});
  }

  // Works and lets time pass until nothing is due within `span`.
  void run(Duration span = 0s) {
    const auto end = clock_.now() + span;
    for (int steps = 0; steps < 100'000; ++steps) {
      while (manager_->work_one()) {
      }
      auto next = manager_->next_due();
      if (const auto transition = runtime_->next_transition(); transition && (!next || *transition < *next))
        next = transition;
      if (!next || *next > end) break;
      clock_.advance_to(*next);
      runtime_->tick();
    }
    clock_.advance_to(end);
    runtime_->tick();
    while (manager_->work_one()) {
    }
  }

  std::string phase(const std::string& name) {
    const auto status = manager_->service(name);
    return status ? status->phase : "(none)";
  }
  std::vector<Event> events(const EventQuery& query) { return manager_->events(query).value(); }
  std::vector<std::string> event_types(const std::string& name) {
    std::vector<std::string> types;
    for (const auto& event : events({.service = name})) types.push_back(event.type);
    return types;
  }

  test::TempDir dir_;
  test::SimClock clock_;
  EventLoop loop_;
  std::shared_ptr<fake::FakeRuntime> runtime_ = std::make_shared<fake::FakeRuntime>(clock_);
  std::unique_ptr<Manager> manager_;
  const Actor alice_{"alice", "127.0.0.1:1"};
};

const char* const kWeb = "apiVersion: holdfast/v1\nservices:\n  web: {command: [web]}\n";
const char* const kTwo =
    "apiVersion: holdfast/v1\nservices:\n  web: {command: [web], dependsOn: {db: started}}\n  db: {command: "
    "[db]}\n";

TEST_F(ManagerTest, StartsWhatIsDeclaredAndRestartsWhatCrashes) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  EXPECT_EQ(phase("web"), "Running");
  EXPECT_TRUE(manager_->service("web")->settled);
  runtime_->crash({"web", 0});
  run(1s);
  const auto status = manager_->service("web");
  EXPECT_EQ(status->phase, "Running");
  EXPECT_EQ(status->restarts, 1u);
  EXPECT_EQ(status->restarts_by_cause.at("crash"), 1u);
  EXPECT_THAT(event_types("web"), testing::ElementsAre("ConfigChanged", "Started", "Ready", "Exited",
                                                       "Started", "Unready", "Ready"));
}

TEST_F(ManagerTest, WhatIsDeclaredIsThereBeforeItIsLookedAt) {
  ASSERT_TRUE(load(kWeb).empty());
  EXPECT_EQ(phase("web"), "Pending");
  EXPECT_FALSE(manager_->service("web")->settled);
}

TEST_F(ManagerTest, AnOperatorsStopSurvivesTheController) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  ASSERT_TRUE(manager_->command("web", Verb::kStop, alice_)->changed);
  EXPECT_FALSE(manager_->command("web", Verb::kStop, alice_)->changed);
  run(1s);
  EXPECT_EQ(phase("web"), "Stopped");
  boot();
  ASSERT_TRUE(load(kWeb).empty());
  run(1h);
  EXPECT_EQ(phase("web"), "Stopped");
  ASSERT_TRUE(manager_->command("web", Verb::kStart, alice_)->changed);
  run();
  EXPECT_EQ(phase("web"), "Running");
  EXPECT_THAT(runtime_->violations(), testing::IsEmpty());
}

TEST_F(ManagerTest, ANewWordInTheConfigurationOutweighsAnOlderIntent) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  ASSERT_TRUE(manager_->command("web", Verb::kStop, alice_));
  ASSERT_TRUE(
      load("apiVersion: holdfast/v1\nservices:\n  web: {command: [web], desired: stopped}\n").empty());
  ASSERT_TRUE(load(kWeb).empty());
  run();
  EXPECT_EQ(phase("web"), "Running");
}

TEST_F(ManagerTest, RestartReplacesTheInstanceOnce) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  const auto before = manager_->service("web")->instances.at(0).observed.incarnation;
  ASSERT_TRUE(manager_->command("web", Verb::kRestart, alice_));
  run(1s);
  const auto status = manager_->service("web");
  ASSERT_EQ(status->instances.size(), 1u);
  EXPECT_EQ(status->instances[0].observed.incarnation, before + 1);
  EXPECT_EQ(status->restarts_by_cause.at("operator"), 1u);
}

TEST_F(ManagerTest, WhatCannotBeSeenIsNotReplaced) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  runtime_->set_fault([](auto call, const std::string&) -> std::optional<Error> {
    if (call != fake::FakeRuntime::Call::kObserve) return std::nullopt;
    return Error{ErrorCode::kUnavailable, "the engine does not answer", "", false, {}};
  });
  manager_->resync();
  run(10min);
  EXPECT_EQ(phase("web"), "Unknown");
  EXPECT_EQ(runtime_->counters().starts, 1u);
  runtime_->set_fault(nullptr);
  run(1min);
  EXPECT_EQ(phase("web"), "Running");
  EXPECT_EQ(runtime_->counters().starts, 1u);
}

TEST_F(ManagerTest, ABrokenFileChangesNothing) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  const auto errors = load("apiVersion: holdfast/v1\nservices:\n  web: {comand: [web]}\n");
  ASSERT_FALSE(errors.empty());
  EXPECT_THAT(describe(errors[0]), HasSubstr("/etc/holdfast.yaml:3"));
  run();
  EXPECT_EQ(phase("web"), "Running");
  EXPECT_FALSE(manager_->config()->problems.empty());
  EXPECT_THAT(manager_->ready().checks.at("config"), HasSubstr("/etc/holdfast.yaml:3"));
  ASSERT_TRUE(load(kWeb).empty());
  EXPECT_TRUE(manager_->config()->problems.empty());
}

TEST_F(ManagerTest, ABrokenFileAtBootLeavesTheLastGoodOneInForce) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  boot();
  EXPECT_TRUE(load("services: [").empty());
  run();
  EXPECT_EQ(phase("web"), "Running");
  EXPECT_FALSE(manager_->config()->problems.empty());
}

TEST_F(ManagerTest, AnEmptyResultNeedsToBeMeant) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  const auto errors = load("apiVersion: holdfast/v1\nservices: {}\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0].message, HasSubstr("allowEmpty"));
  run();
  EXPECT_EQ(phase("web"), "Running");
  ASSERT_TRUE(load("apiVersion: holdfast/v1\nservices: {}\ncontroller: {allowEmpty: true}\n").empty());
  run(1min);
  EXPECT_EQ(phase("web"), "(none)");
}

TEST_F(ManagerTest, WhatRunsUndeclaredIsRemoved) {
  ASSERT_TRUE(load(kTwo).empty());
  run();
  boot();
  ASSERT_TRUE(load(kWeb).empty());
  run(1min);
  EXPECT_EQ(phase("db"), "(none)");
  EXPECT_TRUE(runtime_->observe("db")->instances.empty());
}

TEST_F(ManagerTest, WhatIsNotDeclaredAnyMoreIsStoppedAsItWasDeclared) {
  const std::string stop = "stop: {signal: QUIT, gracePeriod: 5m}}\n";
  const auto kept = kWeb + std::string("  own: {command: [own], ") + stop;
  for (const bool controller_restarts : {false, true}) {
    SCOPED_TRACE(controller_restarts);
    runtime_->script("gone", {.stop_after = 270s});
    ASSERT_TRUE(load(kept + "  gone: {command: [gone], " + stop).empty());
    run();
    if (controller_restarts) boot();
    ASSERT_TRUE(load(kept).empty());
    run();
    EXPECT_EQ(events({.service = "gone"}).back().type, "Stopping");
    run(4min);
    EXPECT_EQ(phase("gone"), "Removing") << "it was granted five minutes";
    run(1min);
    EXPECT_EQ(phase("gone"), "(none)");
    const auto told = events({.service = "gone"});
    const auto quits = std::count_if(told.begin(), told.end(), [](const Event& event) {
      return event.type == "Exited" && event.exit && event.exit->signal == 3;
    });
    EXPECT_EQ(quits, controller_restarts ? 2 : 1);
    runtime_->forget("gone");
  }
}

TEST_F(ManagerTest, AControllerThatComesBackTellsOnlyWhatChangedMeanwhile) {
  ASSERT_TRUE(load(kTwo).empty());
  run();
  boot();
  ASSERT_TRUE(load(kTwo).empty());
  run();
  const auto told = [&](const std::string& name) {
    std::vector<std::string> messages;
    for (const auto& event : events({.service = name})) {
      if (event.type == "ConfigChanged") messages.push_back(event.message);
    }
    return messages;
  };
  EXPECT_THAT(told("web"), testing::ElementsAre("web was declared"));
  EXPECT_THAT(told("db"), testing::ElementsAre("db was declared"));
  boot();
  ASSERT_TRUE(load(kTwo + std::string("  new: {command: [new], labels: {a: b}}\n")).empty());
  run();
  boot();
  ASSERT_TRUE(load(kTwo + std::string("  new: {command: [new], labels: {a: c}}\n")).empty());
  run();
  EXPECT_THAT(told("web"), testing::ElementsAre("web was declared"));
  EXPECT_THAT(told("new"), testing::ElementsAre("new was declared", "new was changed in the configuration"));
  // Taken away and declared again under one controller: that is news.
  ASSERT_TRUE(load(kTwo).empty());
  run(1min);
  ASSERT_TRUE(load(kTwo + std::string("  new: {command: [new], labels: {a: c}}\n")).empty());
  run();
  EXPECT_EQ(told("new").back(), "new was declared");
}

TEST_F(ManagerTest, WhatCannotBeStartedWaitsAndSaysForWhat) {
  bool installed = false;
  runtime_->set_fault([&](auto call, const std::string& service) -> std::optional<Error> {
    if (call != fake::FakeRuntime::Call::kValidate || service != "web" || installed) return std::nullopt;
    return Error{ErrorCode::kInvalid, "there is no program 'web'", "install it", false, {}};
  });
  ASSERT_TRUE(load(kWeb).empty());
  run(10s);
  const auto status = manager_->service("web");
  EXPECT_EQ(status->phase, "Waiting");
  EXPECT_FALSE(status->settled);
  EXPECT_EQ(status->last_error->message, "there is no program 'web'");
  const auto ready = std::find_if(status->conditions.begin(), status->conditions.end(),
                                  [](const Condition& condition) { return condition.type == "Ready"; });
  ASSERT_NE(ready, status->conditions.end());
  EXPECT_EQ(ready->reason, "CannotStart");
  EXPECT_EQ(ready->message, "there is no program 'web'");
  installed = true;
  // Whoever asks for a start doesn't have to wait for the next look.
  ASSERT_TRUE(manager_->command("web", Verb::kStart, alice_));
  run();
  EXPECT_EQ(phase("web"), "Running");
}

TEST_F(ManagerTest, DependenciesStartFirstAndStopLast) {
  ASSERT_TRUE(load(kTwo).empty());
  run();
  std::vector<std::string> order;
  for (const auto& event : events({})) {
    if (event.type == "Started") order.push_back(event.service);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"db", "web"}));
  ASSERT_TRUE(manager_->command("db", Verb::kStop, alice_));
  ASSERT_TRUE(manager_->command("web", Verb::kStop, alice_));
  run(1min);
  order.clear();
  for (const auto& event : events({})) {
    if (event.type == "Exited") order.push_back(event.service);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"web", "db"}));
}

TEST_F(ManagerTest, EditsAreCheckedKeptAndRolledBack) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  const auto etag = manager_->config()->etag;
  const auto change =
      manager_->patch_config(*parse_json(R"({"services":{"web":{"args":["-v"]}}})"), etag, alice_);
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_TRUE(change->changed);
  EXPECT_EQ(manager_->patch_config(*parse_json("{}"), etag, alice_).error().code, ErrorCode::kConflict);
  run(1s);
  EXPECT_EQ(manager_->service("web")->spec->argv, (std::vector<std::string>{"web", "-v"}));
  EXPECT_EQ(manager_->service("web")->restarts_by_cause.at("config"), 1u);
  const auto bad = manager_->patch_config(*parse_json(R"({"services":{"web":{"replicas":"many"}}})"),
                                          std::nullopt, alice_);
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalid);
  boot();
  ASSERT_TRUE(load(kWeb).empty());
  EXPECT_EQ(manager_->document()->services.at("web")->argv.size(), 2u);
  ASSERT_TRUE(manager_->rollback(0, std::nullopt, alice_));
  EXPECT_EQ(manager_->document()->services.at("web")->argv.size(), 1u);
}

TEST_F(ManagerTest, AnEditThatCannotStartIsRefusedBeforeAnythingStops) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  runtime_->set_fault([](auto call, const std::string&) -> std::optional<Error> {
    if (call != fake::FakeRuntime::Call::kValidate) return std::nullopt;
    return Error{ErrorCode::kInvalid, "there is no program 'wbe'", "check the command", false, {}};
  });
  const auto bad = manager_->patch_config(*parse_json(R"({"services":{"web":{"command":["wbe"]}}})"),
                                          std::nullopt, alice_);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().details.at(0).path, HasSubstr("services.web.command"));
  // A file with the same fault counts for all else; the running instance is left alone.
  ASSERT_TRUE(load("apiVersion: holdfast/v1\nservices:\n  web: {command: [wbe]}\n").empty());
  run(1min);
  EXPECT_EQ(runtime_->counters().signals, 0u);
  EXPECT_EQ(manager_->service("web")->last_error->message, "there is no program 'wbe'");
  EXPECT_FALSE(manager_->config()->problems.empty());
}

TEST_F(ManagerTest, PutMakesTheServiceExactlyThat) {
  ASSERT_TRUE(
      load("apiVersion: holdfast/v1\nservices:\n  web: {command: [web], labels: {a: x}, replicas: 2}\n")
          .empty());
  ASSERT_TRUE(manager_->put_service("web", *parse_json(R"({"command":["web2"]})"), std::nullopt, alice_));
  const auto spec = manager_->document()->services.at("web");
  EXPECT_EQ(spec->argv, std::vector<std::string>{"web2"});
  EXPECT_EQ(spec->replicas, 1);
  EXPECT_TRUE(spec->labels.empty());
}

TEST_F(ManagerTest, PlansWithoutDoing) {
  ASSERT_TRUE(load(kTwo).empty());
  run();
  const auto plan = manager_->plan(
      *parse_json(
          R"({"apiVersion":"holdfast/v1","services":{"web":{"command":["web3"]},"new":{"command":["x"]}}})"),
      false);
  ASSERT_TRUE(plan) << plan.error().message;
  std::map<std::string, std::string> changes;
  for (const auto& change : *plan) changes[change.service] = change.change;
  EXPECT_EQ(changes,
            (std::map<std::string, std::string>{{"db", "delete"}, {"new", "create"}, {"web", "restart"}}));
  run();
  EXPECT_EQ(runtime_->counters().starts, 2u);
}

TEST_F(ManagerTest, TellsWaitersWhenSettled) {
  runtime_->script("web", {.startup = 5s});
  ASSERT_TRUE(load(kWeb).empty());
  std::vector<StatusPtr> told;
  manager_->when_settled("web", 1h, [&](StatusPtr status) { told.push_back(std::move(status)); });
  run(1s);
  EXPECT_TRUE(told.empty());
  run(10s);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0]->settled);
  ASSERT_TRUE(manager_->command("web", Verb::kStop, alice_));
  manager_->when_settled("web", 1h, [&](StatusPtr status) { told.push_back(std::move(status)); });
  EXPECT_EQ(told.size(), 1u);
  run(1s);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1]->phase, "Stopped");
}

TEST_F(ManagerTest, SubscribersGetASnapshotThenEverything) {
  ASSERT_TRUE(load(kWeb).empty());
  run();
  std::vector<Update> updates;
  const auto id = manager_->subscribe(0, [&](const Update& update) { updates.push_back(update); });
  ASSERT_TRUE(id);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].kind, "service");
  EXPECT_EQ(updates[1].kind, "synced");
  runtime_->crash({"web", 0});
  run(1s);
  const auto last = updates.back().sequence;
  EXPECT_GT(last, updates[1].sequence + 2);
  manager_->unsubscribe(*id);
  std::vector<Update> resumed;
  ASSERT_TRUE(
      manager_->subscribe(updates[1].sequence, [&](const Update& update) { resumed.push_back(update); }));
  EXPECT_EQ(resumed.size(), last - updates[1].sequence);
  EXPECT_FALSE(manager_->subscribe(last + 1000, [](const Update&) {}));
}

}  // namespace
}  // namespace holdfast::reconciler
