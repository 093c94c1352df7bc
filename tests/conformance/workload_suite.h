// What every runtime that keeps whole workloads must keep to (runtimes/runtime.h), written once. A runtime
// takes part with a WorkloadBench and INSTANTIATE_TEST_SUITE_P(Name, WorkloadSuite,
// testing::Values(WorkloadFactory{...})) in a test program of its own.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
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

enum class Workload {
  kRunsOn,   // until it is stopped; dies of TERM
  kExits3,   // after it has run for a moment, again and again
  kTalks,    // prints "one" and "two", then runs on
  kMissing,  // its image isn't to be had; a rollout of it counts as stalled after some seconds
};

// One runtime, its world, and the means to look at it from outside.
class WorkloadBench {
 public:
  virtual ~WorkloadBench() = default;
  virtual Runtime& runtime() = 0;
  virtual ServiceSpec spec(const std::string& name, Workload workload) = 0;
  // Ends the adapter as if the controller had died, and makes a new one over the same world.
  virtual void replace_adapter() = 0;
  virtual bool crash(const ObservedInstance& instance) = 0;  // KILLs its main process
  virtual bool wait_until(const std::function<bool()>& condition) = 0;
};

using WorkloadFactory = SuiteFactory<WorkloadBench>;

class WorkloadSuite : public testing::TestWithParam<WorkloadFactory> {
 protected:
  void SetUp() override {
    bench_ = GetParam().make();
    ASSERT_NE(bench_, nullptr);
    listen();
  }
  void TearDown() override {
    if (!bench_) return;
    const auto owned = runtime().list_owned();
    ASSERT_TRUE(owned) << owned.error().message;
    for (const auto& service : *owned)
      EXPECT_TRUE(runtime().execute(DeleteWorkload{service, "end of test"}, {}));
  }

  Runtime& runtime() { return bench_->runtime(); }
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

  SpecPtr spec(const std::string& name, Workload workload, const std::string& hash = "hash-1",
               int replicas = 1) {
    ServiceSpec made = bench_->spec(name, workload);
    made.name = name;
    made.spec_hash = hash;
    made.replicas = replicas;
    return std::make_shared<const ServiceSpec>(std::move(made));
  }
  void declare(const SpecPtr& what) {
    declared_[what->name] = what;
    runtime().declare(declared_);
  }
  void undeclare(const std::string& name) {
    declared_.erase(name);
    runtime().declare(declared_);
  }
  Observation observe(const std::string& service) {
    Result<Observation> seen;
    // An error means "can't tell": also right after the start of an adapter.
    EXPECT_TRUE(bench_->wait_until([&] {
      seen = runtime().observe(service);
      return seen.has_value();
    })) << seen.error().message;
    return seen.value_or(Observation{});
  }
  std::optional<ObservedWorkload> workload(const std::string& service) { return observe(service).workload; }
  Status apply(const SpecPtr& what, std::uint64_t nonce = 0) {
    declare(what);
    observe(what->name);
    return runtime().execute(ApplyWorkload{what->name, "test"}, {what, nonce});
  }
  // Until as many run as are wanted, and none but those of that spec and nonce.
  bool runs(const SpecPtr& what, std::uint64_t nonce = 0) {
    return bench_->wait_until([&] {
      const auto seen = observe(what->name);
      return seen.workload && !seen.workload->rolling_out && seen.workload->spec_hash == what->spec_hash &&
             std::ssize(seen.instances) == static_cast<std::ptrdiff_t>(what->replicas) &&
             std::all_of(seen.instances.begin(), seen.instances.end(), [&](const ObservedInstance& instance) {
               return instance.phase == Phase::kRunning && instance.runtime_ready.value_or(true) &&
                      instance.spec_hash == what->spec_hash && instance.restart_nonce == nonce;
             });
    });
  }
  bool is_gone(const std::string& service) {
    return bench_->wait_until([&] {
      const auto seen = observe(service);
      return !seen.workload && seen.instances.empty();
    });
  }
  static std::set<std::string> names(const Observation& seen) {
    std::set<std::string> names;
    for (const auto& instance : seen.instances) names.insert(instance.name);
    return names;
  }
  bool owns(const std::string& service) {
    const auto owned = runtime().list_owned();
    EXPECT_TRUE(owned);
    return owned && std::find(owned->begin(), owned->end(), service) != owned->end();
  }

  std::map<std::string, SpecPtr> declared_;

 private:
  std::mutex mutex_;
  std::set<std::string> changed_;

 protected:
  std::unique_ptr<WorkloadBench> bench_;  // ends before what its runtime tells of changes
};

TEST_P(WorkloadSuite, NothingIsThereAtFirst) {
  declare(spec("web", Workload::kRunsOn));
  const auto seen = observe("web");
  EXPECT_FALSE(seen.workload);
  EXPECT_TRUE(seen.instances.empty());
  EXPECT_FALSE(owns("web"));
}

TEST_P(WorkloadSuite, NamesWhatItDelegates) {
  const auto capabilities = runtime().capabilities();
  EXPECT_TRUE(capabilities.delegates_workload);
  for (const char* feature : {"replicas", "restarts", "probes", "logs"})
    EXPECT_TRUE(capabilities.features.contains(feature)) << feature;
}

TEST_P(WorkloadSuite, RunsWhatIsApplied) {
  const auto web = spec("web", Workload::kRunsOn, "hash-a", 2);
  ASSERT_OK(apply(web, 5));
  const auto at_once = workload("web");
  ASSERT_TRUE(at_once) << "what was just done is seen at once";
  EXPECT_EQ(at_once->spec_hash, "hash-a");
  ASSERT_TRUE(runs(web, 5));
  const auto seen = observe("web");
  EXPECT_EQ(seen.workload->replicas, 2);
  EXPECT_EQ(seen.workload->restart_nonce, 5u);
  EXPECT_TRUE(seen.workload->pending.empty()) << seen.workload->pending[0];
  EXPECT_EQ(seen.workload->stalled, "");
  for (int ordinal = 0; ordinal < 2; ++ordinal) {
    const auto& instance = seen.instances[static_cast<size_t>(ordinal)];
    EXPECT_EQ(instance.id, (InstanceId{"web", ordinal}));
    EXPECT_TRUE(instance.started_at);
    EXPECT_TRUE(instance.started_wall);
    EXPECT_FALSE(instance.exit);
    EXPECT_FALSE(instance.stopping_since);
  }
  EXPECT_TRUE(owns("web"));
}

TEST_P(WorkloadSuite, ApplyingTwiceChangesNothing) {
  const auto web = spec("web", Workload::kRunsOn);
  ASSERT_OK(apply(web));
  ASSERT_TRUE(runs(web));
  const auto first = observe("web");
  ASSERT_OK(apply(web));
  ASSERT_TRUE(runs(web));
  const auto second = observe("web");
  EXPECT_EQ(names(second), names(first));
  EXPECT_EQ(second.instances[0].incarnation, first.instances[0].incarnation);
}

TEST_P(WorkloadSuite, AnotherSpecReplacesInstances) {
  ASSERT_OK(apply(spec("web", Workload::kRunsOn, "hash-1")));
  ASSERT_TRUE(runs(spec("web", Workload::kRunsOn, "hash-1")));
  const auto before = names(observe("web"));
  ASSERT_OK(apply(spec("web", Workload::kRunsOn, "hash-2")));
  ASSERT_TRUE(runs(spec("web", Workload::kRunsOn, "hash-2")));
  const auto seen = observe("web");
  EXPECT_EQ(seen.instances[0].id.ordinal, 0);
  EXPECT_TRUE(seen.workload->pending.empty());
  EXPECT_TRUE(before.contains("") || names(seen) != before);
}

TEST_P(WorkloadSuite, ARestartReplacesInstances) {
  const auto web = spec("web", Workload::kRunsOn);
  ASSERT_OK(apply(web, 1));
  ASSERT_TRUE(runs(web, 1));
  const auto before = observe("web");
  ASSERT_OK(apply(web, 2));
  ASSERT_TRUE(runs(web, 2));
  const auto after = observe("web");
  EXPECT_TRUE(names(after) != names(before) ||
              after.instances[0].incarnation > before.instances[0].incarnation);
  EXPECT_EQ(after.workload->restart_nonce, 2u);
}

TEST_P(WorkloadSuite, ReplicasComeAndGo) {
  ASSERT_OK(apply(spec("web", Workload::kRunsOn, "hash-1", 1)));
  ASSERT_TRUE(runs(spec("web", Workload::kRunsOn, "hash-1", 1)));
  const auto first = names(observe("web"));
  ASSERT_OK(apply(spec("web", Workload::kRunsOn, "hash-1", 3)));
  ASSERT_TRUE(runs(spec("web", Workload::kRunsOn, "hash-1", 3)));
  const auto more = names(observe("web"));
  EXPECT_TRUE(std::includes(more.begin(), more.end(), first.begin(), first.end()));
  ASSERT_OK(apply(spec("web", Workload::kRunsOn, "hash-1", 1)));
  ASSERT_TRUE(runs(spec("web", Workload::kRunsOn, "hash-1", 1)));
  EXPECT_EQ(observe("web").instances[0].id.ordinal, 0);
}

TEST_P(WorkloadSuite, WhatIsStoppedStaysKnown) {
  const auto web = spec("web", Workload::kRunsOn, "hash-1", 2);
  ASSERT_OK(apply(web));
  ASSERT_TRUE(runs(web));
  ASSERT_OK(runtime().execute(ScaleWorkload{"web", 0, "test"}, {web}));
  EXPECT_EQ(workload("web")->replicas, 0);
  ASSERT_TRUE(bench_->wait_until([&] { return observe("web").instances.empty(); }));
  EXPECT_EQ(workload("web")->spec_hash, "hash-1");
  EXPECT_TRUE(owns("web"));
  ASSERT_OK(runtime().execute(ScaleWorkload{"web", 0, "test"}, {web}));
  ASSERT_OK(apply(web));
  EXPECT_TRUE(runs(web));
}

TEST_P(WorkloadSuite, ARolloutCanBeGoneBackFrom) {
  const auto good = spec("web", Workload::kRunsOn, "good");
  const auto bad = spec("web", Workload::kMissing, "bad");
  ASSERT_OK(apply(good));
  ASSERT_TRUE(runs(good));
  ASSERT_OK(apply(bad, 1));
  ASSERT_TRUE(bench_->wait_until([&] { return !workload("web")->stalled.empty(); }));
  EXPECT_EQ(workload("web")->stable_hash, "good");
  ASSERT_OK(runtime().execute(RevertWorkload{"web", "it stalled"}, {bad, 1}));
  ASSERT_TRUE(runs(good));
  const auto seen = workload("web");
  EXPECT_EQ(seen->rejected_hash, "bad");
  EXPECT_EQ(seen->rejected_nonce, 1u);
  EXPECT_NE(seen->rejected_because, "");
  EXPECT_TRUE(seen->pending.empty()) << seen->pending[0];
  ASSERT_OK(runtime().execute(RevertWorkload{"web", "again"}, {bad, 1}));
  ASSERT_TRUE(runs(good));
  EXPECT_EQ(workload("web")->rejected_hash, "bad");
  const auto better = spec("web", Workload::kRunsOn, "better");
  ASSERT_OK(apply(better, 1));
  ASSERT_TRUE(runs(better, 1));
  EXPECT_EQ(workload("web")->rejected_hash, "");
}

TEST_P(WorkloadSuite, NothingToGoBackToIsAnError) {
  const auto web = spec("web", Workload::kRunsOn);
  ASSERT_OK(apply(web));
  EXPECT_FALSE(runtime().execute(RevertWorkload{"web", "test"}, {web}));
}

TEST_P(WorkloadSuite, WhatIsDeletedIsGone) {
  const auto web = spec("web", Workload::kRunsOn);
  ASSERT_OK(apply(web));
  ASSERT_TRUE(runs(web));
  undeclare("web");
  EXPECT_TRUE(observe("web").workload) << "still there, declared or not";
  EXPECT_TRUE(owns("web"));
  ASSERT_OK(runtime().execute(DeleteWorkload{"web", "test"}, {}));
  EXPECT_FALSE(workload("web"));
  ASSERT_TRUE(is_gone("web"));
  EXPECT_FALSE(owns("web"));
  ASSERT_OK(runtime().execute(DeleteWorkload{"web", "test"}, {}));
}

TEST_P(WorkloadSuite, ExitsAreSeenWithTheirCode) {
  const auto web = spec("web", Workload::kExits3);
  ASSERT_OK(apply(web));
  const auto tells = [&] {
    for (const auto& instance : observe("web").instances) {
      const auto& exit = instance.exit ? instance.exit : instance.last_exit;
      if (exit && exit->code == 3 && exit->reason == "exit code 3") return true;
    }
    return false;
  };
  EXPECT_TRUE(bench_->wait_until(tells));
}

TEST_P(WorkloadSuite, ACrashIsToldAndRepaired) {
  const auto web = spec("web", Workload::kRunsOn);
  ASSERT_OK(apply(web));
  ASSERT_TRUE(runs(web));
  const auto before = observe("web").instances[0];
  forget_changes();
  ASSERT_TRUE(bench_->crash(before));
  EXPECT_TRUE(bench_->wait_until([&] { return has_changed("web"); }));
  ASSERT_TRUE(bench_->wait_until([&] {
    const auto seen = observe("web").instances;
    return !seen.empty() && seen[0].phase == Phase::kRunning &&
           (seen[0].incarnation > before.incarnation || seen[0].name != before.name);
  }));
  const auto after = observe("web").instances[0];
  ASSERT_TRUE(after.last_exit || after.name != before.name);
  EXPECT_TRUE(!after.last_exit || after.last_exit->signal == 9) << after.last_exit->reason;
}

TEST_P(WorkloadSuite, WhatCannotRunSaysWhy) {
  ASSERT_OK(apply(spec("web", Workload::kMissing)));
  EXPECT_TRUE(bench_->wait_until([&] {
    const auto seen = observe("web").instances;
    return !seen.empty() && seen[0].phase == Phase::kPending &&
           seen[0].message.find("mage") != std::string::npos;  // of an image
  }));
}

TEST_P(WorkloadSuite, AReplacedAdapterSeesTheSame) {
  const auto web = spec("web", Workload::kRunsOn, "hash-1", 2);
  ASSERT_OK(apply(web, 3));
  ASSERT_TRUE(runs(web, 3));
  const auto before = observe("web");
  bench_->replace_adapter();
  listen();
  runtime().declare(declared_);
  const auto after = observe("web");
  ASSERT_TRUE(after.workload);
  EXPECT_EQ(after.workload->spec_hash, before.workload->spec_hash);
  EXPECT_EQ(after.workload->restart_nonce, before.workload->restart_nonce);
  EXPECT_TRUE(after.workload->pending.empty()) << after.workload->pending[0];
  ASSERT_EQ(after.instances.size(), before.instances.size());
  EXPECT_EQ(names(after), names(before));
  EXPECT_TRUE(owns("web"));
}

TEST_P(WorkloadSuite, AReplacedAdapterFindsWhatNobodyDeclares) {
  const auto web = spec("web", Workload::kRunsOn);
  ASSERT_OK(apply(web));
  ASSERT_TRUE(runs(web));
  bench_->replace_adapter();
  declared_.clear();
  runtime().declare(declared_);
  ASSERT_TRUE(bench_->wait_until([&] {
    const auto owned = runtime().list_owned();
    return owned && std::find(owned->begin(), owned->end(), "web") != owned->end();
  }));
  ASSERT_OK(runtime().execute(DeleteWorkload{"web", "test"}, {}));
  EXPECT_TRUE(is_gone("web"));
}

TEST_P(WorkloadSuite, LogsAreRead) {
  const auto web = spec("web", Workload::kTalks);
  ASSERT_OK(apply(web));
  ASSERT_TRUE(runs(web));
  ASSERT_NE(runtime().logs(), nullptr);
  const auto texts = [&](const LogQuery& query) {
    std::vector<std::string> read;
    const auto lines = runtime().logs()->read("web", query);
    EXPECT_TRUE(lines) << lines.error().message;
    for (const auto& line : lines.value_or(std::vector<LogLine>{})) {
      EXPECT_EQ(line.ordinal, 0);
      read.push_back(line.text);
    }
    return read;
  };
  const std::vector<std::string> both{"one", "two"};
  EXPECT_TRUE(bench_->wait_until([&] { return texts({}) == both; }));
  LogQuery query;
  query.tail = 1;
  EXPECT_EQ(texts(query), std::vector<std::string>{"two"});
  query.ordinal = 7;
  EXPECT_TRUE(texts(query).empty());
}

TEST_P(WorkloadSuite, UsageComesInOrder) {
  const auto web = spec("web", Workload::kRunsOn, "hash-1", 2);
  ASSERT_OK(apply(web));
  ASSERT_TRUE(runs(web));
  const auto instances = observe("web").instances;
  EXPECT_EQ(runtime().usage(instances).size(), 2u);
  EXPECT_TRUE(runtime().usage({}).empty());
}

TEST_P(WorkloadSuite, InstancesAreNotForOthersToStart) {
  const auto web = spec("web", Workload::kRunsOn);
  const auto started = runtime().execute(StartInstance{{"web", 0}, 1, "test"}, {web});
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().terminal);
  EXPECT_FALSE(runtime().execute(ApplyWorkload{"web", "test"}, {}));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WorkloadSuite);

}  // namespace holdfast::test
