#include "tests/unit/planner/case.h"

namespace holdfast::planner {
namespace {

// A service on a runtime that keeps replicas, restarts and probes by itself.
class Workload : public testing::Test {
 protected:
  Workload() { c.capabilities.delegates_workload = true; }

  // As it is after an apply of the spec as it stands.
  ObservedWorkload& applied() {
    auto& has = c.observation.workload.emplace();
    has.spec_hash = c.spec.spec_hash;
    has.restart_nonce = c.nonce;
    has.replicas = c.spec.replicas;
    return has;
  }
  ObservedWorkload& has() { return *c.observation.workload; }
  ObservedInstance& pod(int ordinal, const std::string& name, std::uint64_t run = 1,
                        Phase phase = Phase::kRunning) {
    auto& seen = c.run(ordinal, run, phase);
    seen.name = name;
    return seen;
  }
  std::string reason() {
    const auto plan = c.step();
    return plan.actions.empty() ? std::string() : action_reason(plan.actions[0]);
  }

  Case c;
};

TEST_F(Workload, IsAppliedUntilItIsAsDeclared) {
  c.spec.replicas = 2;
  EXPECT_THAT(brief(c.step()), ElementsAre("ApplyWorkload"));
  applied().rolling_out = true;
  pod(0, "web-a");
  EXPECT_THAT(brief(c.step()), IsEmpty());
  EXPECT_EQ(c.phase(), "Starting");
  EXPECT_FALSE(c.is_settled());
  pod(1, "web-b");
  has().rolling_out = false;
  EXPECT_TRUE(c.is_settled());
  EXPECT_EQ(c.phase(), "Running");
  EXPECT_EQ(told(c.step(), "Ready"), "True AllReady");
  c.spec.spec_hash = "B";
  EXPECT_EQ(reason(), "the configuration changed");
}

TEST_F(Workload, IsAppliedAgainForARestartAndForDrift) {
  applied();
  pod(0, "web-a");
  c.nonce = 1;
  EXPECT_EQ(reason(), "a restart was asked for");
  applied();
  has().pending = {"replicas: 1 is declared, 5 is in force (by kubectl-scale)"};
  EXPECT_EQ(reason(), "not as declared: replicas: 1 is declared, 5 is in force (by kubectl-scale)");
}

TEST_F(Workload, IsBeingReplacedWhileOldInstancesAreLeft) {
  c.spec.replicas = 2;
  pod(0, "web-a");
  pod(1, "web-b");
  c.spec.spec_hash = "B";
  applied().rolling_out = true;
  pod(2, "web-c");
  const auto plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(told(plan, "Progressing"), "True Replacing");
  EXPECT_EQ(told(plan, "Ready"), "True AllReady");
  EXPECT_EQ(condition(plan, "Progressing").message, "2 of 2 still to be restarted");
  EXPECT_FALSE(c.is_settled());
}

TEST_F(Workload, IsScaledToNothingWhenStopped) {
  applied();
  pod(0, "web-a");
  c.desired = Desired::kStopped;
  c.dependencies.dependents_up = {"api"};
  EXPECT_THAT(brief(c.step()), IsEmpty());
  c.dependencies.dependents_up.clear();
  EXPECT_THAT(brief(c.step()), ElementsAre("ScaleWorkload"));
  has().replicas = 0;
  EXPECT_THAT(brief(c.step()), IsEmpty());
  EXPECT_FALSE(c.is_settled());
  c.clear();
  EXPECT_TRUE(c.is_settled());
  EXPECT_EQ(c.phase(), "Stopped");
  c.desired = Desired::kRunning;
  EXPECT_EQ(reason(), "desired state is running");
}

TEST_F(Workload, IsDeletedWhenUndeclaredEvenIfNothingRuns) {
  applied().replicas = 0;
  c.declared = false;
  EXPECT_THAT(brief(c.step()), ElementsAre("DeleteWorkload"));
  c.observation.workload.reset();
  pod(0, "web-a", 1, Phase::kStopping);
  EXPECT_THAT(brief(c.step()), IsEmpty());
  EXPECT_FALSE(c.is_settled());
  c.clear();
  EXPECT_TRUE(c.is_settled());
}

TEST_F(Workload, WaitsForDependenciesBeforeItsFirstStart) {
  c.dependencies.unmet = {"database"};
  EXPECT_THAT(brief(c.step()), IsEmpty());
  EXPECT_EQ(c.phase(), "Waiting");
  applied().spec_hash = "old";
  pod(0, "web-a").spec_hash = "old";
  EXPECT_THAT(brief(c.step()), ElementsAre("ApplyWorkload"));
}

TEST_F(Workload, AnAutoscalerDecidesHowManyAreWanted) {
  auto& has = applied();
  has.scaler = "HorizontalPodAutoscaler web";
  has.replicas = 3;
  for (int i = 0; i < 3; ++i) pod(i, "web-" + std::to_string(i));
  const auto plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(condition(plan, "Ready").message, "3 of 3 ready");
  EXPECT_TRUE(c.is_settled());
}

TEST_F(Workload, AnInstanceThatKeepsFailingSaysWhy) {
  applied();
  auto& seen = pod(0, "web-a", 4, Phase::kExited);
  seen.exit = ExitRecord{.code = 3, .signal = {}, .reason = "exit code 3", .at = kWall};
  seen.message = "CrashLoopBackOff: exit code 3";
  const auto plan = c.step();
  EXPECT_EQ(told(plan, "Ready"), "False CrashBackoff");
  EXPECT_THAT(condition(plan, "Ready").message, HasSubstr("CrashLoopBackOff: exit code 3"));
  EXPECT_EQ(c.phase(), "Backoff");
}

TEST_F(Workload, AStalledRolloutGoesBackToWhatRanWell) {
  c.spec.spec_hash = "B";
  auto& has = applied();
  has.rolling_out = true;
  has.stalled = "ImagePullBackOff";
  EXPECT_EQ(c.phase(), "Failed");
  EXPECT_EQ(told(c.step(), "Failed"), "True RolloutStalled");
  EXPECT_TRUE(c.is_settled()) << "there is nothing to go back to";
  has.stable_hash = "A";
  EXPECT_THAT(brief(c.step()), ElementsAre("RevertWorkload"));
  // What the runtime tells once it has.
  has = {.spec_hash = "A",
         .replicas = 1,
         .stable_hash = "A",
         .rejected_hash = "B",
         .rejected_because = "ImagePullBackOff"};
  pod(0, "web-a").spec_hash = "A";
  const auto plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(told(plan, "Failed"), "True RolledBack");
  EXPECT_EQ(told(plan, "Ready"), "True AllReady");
  EXPECT_EQ(c.phase(), "Running");
  EXPECT_TRUE(c.is_settled());
  has.pending = {"replicas: 1 is declared, 5 is in force"};
  EXPECT_THAT(brief(c.step()), ElementsAre("RevertWorkload")) << "drift of what is in force is healed too";
}

TEST_F(Workload, ARejectedSpecIsTriedAgainWhenSomebodyAsks) {
  c.spec.spec_hash = "B";
  applied() = {.spec_hash = "A", .replicas = 1, .stable_hash = "A", .rejected_hash = "B"};
  EXPECT_THAT(brief(c.step()), IsEmpty());
  c.nonce = 1;
  EXPECT_THAT(brief(c.step()), ElementsAre("ApplyWorkload"));
  c.nonce = 0;
  c.spec.spec_hash = "C";
  EXPECT_EQ(reason(), "the configuration changed");
}

TEST_F(Workload, RestartsOfTheRuntimeAreCountedByCauseOnce) {
  applied();
  pod(0, "web-a");
  EXPECT_TRUE(c.fold());
  EXPECT_FALSE(c.fold());
  EXPECT_THAT(c.notes, IsEmpty());
  c.clear();
  auto& seen = pod(0, "web-a", 1, Phase::kExited);
  seen.exit = ExitRecord{.code = 3, .signal = {}, .reason = "exit code 3", .at = kWall};
  EXPECT_TRUE(c.fold());
  ASSERT_EQ(c.notes.size(), 1u);
  EXPECT_EQ(c.notes[0].kind, FoldNote::Kind::kExited);
  EXPECT_EQ(c.notes[0].cause, "crash");
  EXPECT_EQ(c.ledger.restarts_by_cause["crash"], 1u);
  EXPECT_EQ(c.ledger.delegated_exit->code, 3);
  c.clear();
  auto& next = pod(0, "web-a", 3);  // two more ended unseen, the last for want of memory
  next.last_exit = ExitRecord{.code = 137, .signal = {}, .oom_killed = true, .reason = "oom", .at = kWall};
  EXPECT_TRUE(c.fold());
  EXPECT_EQ(c.notes.size(), 1u);
  EXPECT_EQ(c.ledger.restarts_by_cause["crash"], 1u);
  EXPECT_EQ(c.ledger.restarts_by_cause["oom"], 1u);
  EXPECT_FALSE(c.fold());
}

TEST_F(Workload, AnInstanceDeletedByHandIsLostAndItsSuccessorARestart) {
  applied();
  pod(0, "web-a");
  c.fold();
  c.clear();
  pod(0, "web-a", 1, Phase::kStopping);
  pod(1, "web-b", 1, Phase::kPending);
  c.fold();
  EXPECT_THAT(c.ledger.restarts_by_cause, IsEmpty());
  c.clear();
  pod(1, "web-b");
  EXPECT_TRUE(c.fold());
  EXPECT_EQ(c.ledger.restarts_by_cause["lost"], 1u);
  ASSERT_EQ(c.notes.size(), 1u);
  EXPECT_EQ(c.notes[0].exit->reason, "web-a was deleted by somebody else");
  EXPECT_EQ(c.ledger.delegated.size(), 1u);
}

TEST_F(Workload, ReplacedInstancesCountByTheReasonAndSurplusOnesNot) {
  c.spec.replicas = 1;
  applied();
  pod(0, "web-a");
  pod(1, "web-b");
  c.fold();
  c.clear();
  pod(0, "web-a");
  pod(1, "web-b", 1, Phase::kStopping);
  c.fold();
  c.clear();
  pod(0, "web-a");
  c.fold();
  EXPECT_THAT(c.ledger.restarts_by_cause, IsEmpty()) << "fewer were wanted";
  c.spec.spec_hash = "B";
  applied();
  pod(1, "web-c");
  c.fold();
  c.clear();
  pod(1, "web-c");
  c.fold();
  EXPECT_EQ(c.ledger.restarts_by_cause["config"], 1u);
  EXPECT_THAT(c.notes, IsEmpty());
}

TEST_F(Workload, WhatIsStoppedIsNoRestart) {
  applied();
  pod(0, "web-a");
  c.fold();
  c.desired = Desired::kStopped;
  c.clear();
  c.fold();
  EXPECT_THAT(c.ledger.restarts_by_cause, IsEmpty());
  EXPECT_THAT(c.ledger.delegated, IsEmpty());
}

}  // namespace
}  // namespace holdfast::planner
