// What every runtime that runs instances must keep to (runtimes/runtime.h), written once. A runtime takes
// part with a RuntimeBench and INSTANTIATE_TEST_SUITE_P(Name, RuntimeSuite,
// testing::Values(RuntimeFactory{...})) in a test program of its own.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtimes/runtime.h"
#include "tests/conformance/suite_factory.h"
#include "tests/support/assert_ok.h"

namespace holdfast::test {

enum class Program {
  kRunsOn,       // until it is stopped; dies of TERM
  kExits3,       // at once, with exit code 3
  kIgnoresTerm,  // runs on whatever TERM says
  kDiesOfAbrt,   // at once, by signal 6
  kTalks,        // prints "one", "two" on stdout and "three" on stderr, then runs on
  kMissing,      // can't be executed
};

// One runtime, its world, and the means to look at it from outside.
class RuntimeBench {
 public:
  virtual ~RuntimeBench() = default;
  virtual Runtime& runtime() = 0;
  virtual ServiceSpec spec(const std::string& name, Program program) = 0;
  // Ends the adapter as if the controller had died, and makes a new one over the same world. False: this
  // runtime lives in the adapter's memory only.
  virtual bool replace_adapter() = 0;
  virtual bool crash(const InstanceId& id) = 0;  // KILLs the main process behind the adapter's back
  // An instance of kIgnoresTerm runs; true once TERM can't end it any more.
  virtual bool is_deaf(const InstanceId& id) = 0;
  virtual bool wait_until(const std::function<bool()>& condition) = 0;
  // Called again for each new adapter; services that on_change told of are in `changed`.
  void listen() {
    runtime().on_change([this](const std::string& service) {
      const std::lock_guard lock(mutex_);
      changed_.insert(service);
    });
  }
  bool has_changed(const std::string& service) {
    const std::lock_guard lock(mutex_);
    return changed_.contains(service);
  }
  void forget_changes() {
    const std::lock_guard lock(mutex_);
    changed_.clear();
  }

 private:
  std::mutex mutex_;
  std::set<std::string> changed_;
};

using RuntimeFactory = SuiteFactory<RuntimeBench>;

class RuntimeSuite : public testing::TestWithParam<RuntimeFactory> {
 protected:
  void SetUp() override {
    bench_ = GetParam().make();
    ASSERT_NE(bench_, nullptr);
    bench_->listen();
  }
  void TearDown() override {
    if (!bench_) return;
    const auto owned = runtime().list_owned();
    ASSERT_TRUE(owned) << owned.error().message;
    for (const auto& service : *owned) {
      for (const auto& seen : observe(service)) {
        EXPECT_TRUE(runtime().execute(KillInstance{seen.id, seen.incarnation, "end of test"}, {}));
      }
      EXPECT_TRUE(bench_->wait_until([&] {
        const auto instances = observe(service);
        return std::all_of(instances.begin(), instances.end(),
                           [](const auto& seen) { return seen.phase == Phase::kExited; });
      }));
    }
  }

  Runtime& runtime() { return bench_->runtime(); }

  std::vector<ObservedInstance> observe(const std::string& service) {
    const auto observation = runtime().observe(service);
    EXPECT_TRUE(observation) << observation.error().message;
    return observation ? observation->instances : std::vector<ObservedInstance>{};
  }
  std::optional<ObservedInstance> observe_one(const InstanceId& id) {
    for (auto& seen : observe(id.service)) {
      if (seen.id == id) return seen;
    }
    return std::nullopt;
  }
  SpecPtr spec(const std::string& name, Program program, const std::string& hash = "hash-1") {
    ServiceSpec spec = bench_->spec(name, program);
    spec.name = name;
    spec.spec_hash = hash;
    return std::make_shared<const ServiceSpec>(std::move(spec));
  }
  Status start(const SpecPtr& what, int ordinal, std::uint64_t incarnation, std::uint64_t nonce = 0) {
    return runtime().execute(StartInstance{{what->name, ordinal}, incarnation, "test"}, {what, nonce});
  }
  Status stop(const SpecPtr& what, int ordinal, std::uint64_t incarnation) {
    return runtime().execute(SignalInstance{{what->name, ordinal}, incarnation, 15, "test"}, {what});
  }
  Status kill(const SpecPtr& what, int ordinal, std::uint64_t incarnation) {
    return runtime().execute(KillInstance{{what->name, ordinal}, incarnation, "test"}, {what});
  }
  Status remove(const SpecPtr& what, int ordinal, std::uint64_t incarnation) {
    return runtime().execute(RemoveInstance{{what->name, ordinal}, incarnation, "test"}, {what});
  }
  bool reaches(const InstanceId& id, Phase phase) {
    return bench_->wait_until([&] {
      const auto seen = observe_one(id);
      return seen && seen->phase == phase;
    });
  }
  bool owns(const std::string& service) {
    const auto owned = runtime().list_owned();
    EXPECT_TRUE(owned);
    return owned && std::find(owned->begin(), owned->end(), service) != owned->end();
  }

  std::unique_ptr<RuntimeBench> bench_;
};

TEST_P(RuntimeSuite, NothingIsThereAtFirst) {
  EXPECT_TRUE(observe("web").empty());
  const auto owned = runtime().list_owned();
  ASSERT_OK(owned);
  EXPECT_TRUE(owned->empty());
}

TEST_P(RuntimeSuite, AStartedInstanceRunsWithItsIdentity) {
  const auto web = spec("web", Program::kRunsOn, "hash-a");
  ASSERT_OK(start(web, 0, 7, 42));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kRunning));
  const auto seen = observe("web");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].incarnation, 7u);
  EXPECT_EQ(seen[0].spec_hash, "hash-a");
  EXPECT_EQ(seen[0].restart_nonce, 42u);
  EXPECT_TRUE(seen[0].pid);
  EXPECT_TRUE(seen[0].started_at);
  EXPECT_TRUE(seen[0].started_wall);
  EXPECT_FALSE(seen[0].exit);
  EXPECT_FALSE(seen[0].stopping_since);
  EXPECT_TRUE(owns("web"));
}

TEST_P(RuntimeSuite, StartingTwiceStartsOnce) {
  const auto web = spec("web", Program::kRunsOn);
  ASSERT_OK(start(web, 0, 1));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kRunning));
  const auto first = observe_one({"web", 0});
  ASSERT_OK(start(web, 0, 1));
  const auto second = observe("web");
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].pid, first->pid);
  EXPECT_EQ(second[0].started_at, first->started_at);
}

TEST_P(RuntimeSuite, AnotherIncarnationConflictsWhileOneLives) {
  const auto web = spec("web", Program::kRunsOn);
  ASSERT_OK(start(web, 0, 1));
  const auto again = start(web, 0, 2);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  ASSERT_TRUE(reaches({"web", 0}, Phase::kRunning));
  EXPECT_EQ(observe_one({"web", 0})->incarnation, 1u);
}

TEST_P(RuntimeSuite, OrdinalsAndServicesLiveSideBySide) {
  const auto web = spec("web", Program::kRunsOn);
  const auto api = spec("api", Program::kRunsOn);
  for (const int ordinal : {2, 0, 1}) ASSERT_OK(start(web, ordinal, 1));
  ASSERT_OK(start(api, 0, 1));
  const auto seen = observe("web");
  ASSERT_EQ(seen.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)].id.ordinal, i);
  EXPECT_EQ(observe("api").size(), 1u);
  EXPECT_TRUE(owns("web") && owns("api"));
  ASSERT_OK(kill(web, 1, 1));
  ASSERT_TRUE(reaches({"web", 1}, Phase::kExited));
  EXPECT_NE(observe_one({"web", 0})->phase, Phase::kExited);
  EXPECT_NE(observe_one({"web", 2})->phase, Phase::kExited);
  EXPECT_NE(observe_one({"api", 0})->phase, Phase::kExited);
}

TEST_P(RuntimeSuite, AnExitIsSeenWithItsCode) {
  ASSERT_OK(start(spec("job", Program::kExits3), 0, 1));
  ASSERT_TRUE(reaches({"job", 0}, Phase::kExited));
  const auto seen = observe_one({"job", 0});
  ASSERT_TRUE(seen->exit);
  EXPECT_EQ(seen->exit->code, 3);
  EXPECT_FALSE(seen->exit->signal);
  EXPECT_FALSE(seen->exit->start_failed);
  EXPECT_EQ(seen->exit->reason, "exit code 3");
  EXPECT_NE(seen->exit->at, WallTime{});
  EXPECT_FALSE(seen->pid);
  EXPECT_TRUE(bench_->wait_until([&] { return bench_->has_changed("job"); }));
}

TEST_P(RuntimeSuite, ADeathBySignalIsSeenWithItsSignal) {
  ASSERT_OK(start(spec("job", Program::kDiesOfAbrt), 0, 1));
  ASSERT_TRUE(reaches({"job", 0}, Phase::kExited));
  const auto seen = observe_one({"job", 0});
  EXPECT_EQ(seen->exit->signal, 6);
  EXPECT_FALSE(seen->exit->code);
}

TEST_P(RuntimeSuite, ACrashIsToldAndSeen) {
  const auto web = spec("web", Program::kRunsOn);
  ASSERT_OK(start(web, 0, 1));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kRunning));
  bench_->forget_changes();
  ASSERT_TRUE(bench_->crash({"web", 0}));
  EXPECT_TRUE(bench_->wait_until([&] { return bench_->has_changed("web"); }));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kExited));
  EXPECT_EQ(observe_one({"web", 0})->exit->signal, 9);
}

TEST_P(RuntimeSuite, AProgramThatCannotRunIsAnExitAndSaysWhy) {
  ASSERT_OK(start(spec("web", Program::kMissing), 0, 1));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kExited));
  const auto seen = observe_one({"web", 0});
  EXPECT_TRUE(seen->exit->start_failed);
  EXPECT_FALSE(seen->exit->code);
  EXPECT_FALSE(seen->exit->signal);
  EXPECT_FALSE(seen->exit->reason.empty());
}

TEST_P(RuntimeSuite, StoppingEndsItAndIsRepeatable) {
  const auto web = spec("web", Program::kRunsOn);
  ASSERT_OK(start(web, 0, 1));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kRunning));
  ASSERT_OK(stop(web, 0, 1));
  ASSERT_OK(stop(web, 0, 1));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kExited));
  ASSERT_OK(stop(web, 0, 1));
  const auto seen = observe_one({"web", 0});
  EXPECT_EQ(seen->exit->signal, 15);
  EXPECT_FALSE(seen->stopping_since);
}

TEST_P(RuntimeSuite, OneThatIgnoresTheSignalIsStoppingUntilKilled) {
  const auto web = spec("web", Program::kIgnoresTerm);
  ASSERT_OK(start(web, 0, 1));
  ASSERT_TRUE(bench_->wait_until([&] { return bench_->is_deaf({"web", 0}); }));
  ASSERT_OK(stop(web, 0, 1));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kStopping));
  const auto since = observe_one({"web", 0})->stopping_since;
  ASSERT_TRUE(since);
  ASSERT_OK(stop(web, 0, 1));
  EXPECT_EQ(observe_one({"web", 0})->stopping_since, since);
  ASSERT_OK(kill(web, 0, 1));
  ASSERT_OK(kill(web, 0, 1));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kExited));
  EXPECT_EQ(observe_one({"web", 0})->exit->signal, 9);
  ASSERT_OK(kill(web, 0, 1));
}

TEST_P(RuntimeSuite, ActionsOnAGoneIncarnationDoNothing) {
  const auto web = spec("web", Program::kRunsOn);
  ASSERT_OK(start(web, 0, 5));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kRunning));
  ASSERT_OK(stop(web, 0, 4));
  ASSERT_OK(kill(web, 0, 4));
  ASSERT_OK(remove(web, 0, 4));
  ASSERT_OK(kill(web, 3, 1));
  ASSERT_OK(runtime().execute(RemoveInstance{{"nobody", 0}, 1, "test"}, {}));
  const auto seen = observe_one({"web", 0});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->phase, Phase::kRunning);
  EXPECT_EQ(seen->incarnation, 5u);
  EXPECT_FALSE(owns("nobody"));
}

TEST_P(RuntimeSuite, AnExitedRunStaysUntilRemoved) {
  const auto job = spec("job", Program::kExits3);
  ASSERT_OK(start(job, 0, 1));
  ASSERT_TRUE(reaches({"job", 0}, Phase::kExited));
  EXPECT_EQ(observe("job").size(), 1u);
  EXPECT_TRUE(owns("job"));
  ASSERT_OK(remove(job, 0, 1));
  EXPECT_TRUE(observe("job").empty());
  EXPECT_FALSE(owns("job"));
  ASSERT_OK(remove(job, 0, 1));
}

TEST_P(RuntimeSuite, ALiveRunIsNotRemoved) {
  const auto web = spec("web", Program::kRunsOn);
  ASSERT_OK(start(web, 0, 1));
  const auto status = remove(web, 0, 1);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(observe_one({"web", 0}));
}

TEST_P(RuntimeSuite, ANewerRunFollowsAnExitedOne) {
  const auto job = spec("job", Program::kExits3, "hash-old");
  ASSERT_OK(start(job, 0, 1));
  ASSERT_TRUE(reaches({"job", 0}, Phase::kExited));
  const auto next = spec("job", Program::kRunsOn, "hash-new");
  ASSERT_OK(start(next, 0, 2));
  ASSERT_TRUE(bench_->wait_until([&] {
    const auto seen = observe("job");
    return !seen.empty() && seen.back().incarnation == 2 && seen.back().phase == Phase::kRunning;
  }));
  EXPECT_EQ(observe("job").back().spec_hash, "hash-new");
  ASSERT_OK(start(job, 0, 2));
  EXPECT_EQ(observe("job").back().phase, Phase::kRunning);
}

TEST_P(RuntimeSuite, AStartWithoutASpecIsRefused) {
  const auto status = runtime().execute(StartInstance{{"web", 0}, 1, "test"}, {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(observe("web").empty());
}

TEST_P(RuntimeSuite, ASpecWithNothingToRunIsInvalid) {
  ServiceSpec empty = bench_->spec("web", Program::kRunsOn);
  EXPECT_TRUE(runtime().validate(empty));
  empty.argv.clear();
  empty.docker = {};
  const auto status = runtime().validate(empty);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
}

TEST_P(RuntimeSuite, UsageAnswersForEachInstanceInOrder) {
  const auto web = spec("web", Program::kRunsOn);
  ASSERT_OK(start(web, 0, 1));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kRunning));
  auto instances = observe("web");
  ObservedInstance gone;
  gone.id = {"gone", 0};
  instances.insert(instances.begin(), gone);
  const auto usage = runtime().usage(instances);
  ASSERT_EQ(usage.size(), 2u);
  EXPECT_FALSE(usage[0].memory_bytes);
  EXPECT_FALSE(usage[0].cpu_seconds_total);
}

TEST_P(RuntimeSuite, CapabilitiesNameWhatPeopleAskFor) {
  const auto capabilities = runtime().capabilities();
  EXPECT_FALSE(capabilities.delegates_workload);
  for (const char* feature : {"replicas", "restarts", "probes", "logs", "exec", "adoption"})
    EXPECT_TRUE(capabilities.features.contains(feature)) << feature;
  const auto exec = capabilities.features.at("exec");
  EXPECT_EQ(exec == Support::kUnsupported, runtime().exec() == nullptr);
  EXPECT_EQ(capabilities.features.at("logs") == Support::kUnsupported, runtime().logs() == nullptr);
}

TEST_P(RuntimeSuite, LogsKeepWhatWasSaid) {
  if (runtime().logs() == nullptr) return;  // a null reader is itself the answer; see the test above
  ASSERT_OK(start(spec("web", Program::kTalks), 0, 1));
  ASSERT_TRUE(bench_->wait_until([&] {
    const auto lines = runtime().logs()->read("web", {});
    return lines && lines->size() == 3;
  }));
  LogQuery query;
  query.stream = "stdout";
  auto lines = runtime().logs()->read("web", query);
  ASSERT_OK(lines);
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].text, "one");
  EXPECT_EQ((*lines)[1].text, "two");
  EXPECT_EQ((*lines)[0].stream, "stdout");
  EXPECT_LE((*lines)[0].at, (*lines)[1].at);
  query.tail = 1;
  lines = runtime().logs()->read("web", query);
  ASSERT_OK(lines);
  ASSERT_EQ(lines->size(), 1u);
  EXPECT_EQ((*lines)[0].text, "two");
  query.stream = "stderr";
  query.ordinal = 1;
  lines = runtime().logs()->read("web", query);
  ASSERT_OK(lines);
  EXPECT_TRUE(lines->empty());
  EXPECT_TRUE(runtime().logs()->read("never-ran", {})->empty());
}

TEST_P(RuntimeSuite, ANewAdapterFindsWhatRuns) {
  const auto web = spec("web", Program::kRunsOn, "hash-x");
  ASSERT_OK(start(web, 0, 3, 9));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kRunning));
  const auto before = observe_one({"web", 0});
  if (!bench_->replace_adapter()) return;  // nothing outlives the adapter
  bench_->listen();
  const auto after = observe_one({"web", 0});
  ASSERT_TRUE(after);
  EXPECT_EQ(after->phase, Phase::kRunning);
  EXPECT_EQ(after->pid, before->pid);
  EXPECT_EQ(after->incarnation, 3u);
  EXPECT_EQ(after->restart_nonce, 9u);
  EXPECT_EQ(after->spec_hash, "hash-x");
  EXPECT_EQ(after->started_at, before->started_at);
  EXPECT_EQ(after->started_wall, before->started_wall);
  EXPECT_TRUE(owns("web"));
  ASSERT_OK(start(web, 0, 3));
  EXPECT_EQ(start(web, 0, 4).error().code, ErrorCode::kConflict);
  bench_->forget_changes();
  ASSERT_OK(stop(web, 0, 3));
  ASSERT_TRUE(reaches({"web", 0}, Phase::kExited));
  EXPECT_EQ(observe_one({"web", 0})->exit->signal, 15);
  EXPECT_TRUE(bench_->wait_until([&] { return bench_->has_changed("web"); }));
}

TEST_P(RuntimeSuite, ANewAdapterFindsExitsAndStops) {
  const auto job = spec("job", Program::kExits3);
  const auto deaf = spec("deaf", Program::kIgnoresTerm);
  ASSERT_OK(start(job, 0, 1));
  ASSERT_OK(start(deaf, 0, 1));
  ASSERT_TRUE(reaches({"job", 0}, Phase::kExited));
  ASSERT_TRUE(bench_->wait_until([&] { return bench_->is_deaf({"deaf", 0}); }));
  ASSERT_OK(stop(deaf, 0, 1));
  ASSERT_TRUE(reaches({"deaf", 0}, Phase::kStopping));
  if (!bench_->replace_adapter()) return;  // nothing outlives the adapter
  bench_->listen();
  const auto exited = observe_one({"job", 0});
  ASSERT_TRUE(exited);
  ASSERT_EQ(exited->phase, Phase::kExited);
  EXPECT_EQ(exited->exit->code, 3);
  ASSERT_TRUE(reaches({"deaf", 0}, Phase::kStopping));
  ASSERT_OK(remove(job, 0, 1));
  EXPECT_FALSE(owns("job"));
  ASSERT_TRUE(bench_->replace_adapter());
  EXPECT_FALSE(owns("job"));
}

}  // namespace holdfast::test
