#include "tests/unit/planner/case.h"

namespace holdfast::planner {
namespace {

TEST(Plan, StartsWhatIsMissing) {
  Case c;
  c.spec.replicas = 2;
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), ElementsAre("StartInstance 0#1", "StartInstance 1#1"));
  EXPECT_EQ(told(plan, "Ready"), "False Starting");
  EXPECT_EQ(c.phase(), "Starting");
  EXPECT_FALSE(c.is_settled());
}

TEST(Plan, LeavesASteadyServiceAlone) {
  Case c;
  c.run(0, 1);
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(plan.next_check, std::nullopt);
  EXPECT_EQ(told(plan, "Ready"), "True AllReady");
  EXPECT_EQ(told(plan, "Progressing"), "False Settled");
  EXPECT_EQ(told(plan, "Failed"), "False NotFailed");
  EXPECT_EQ(told(plan, "Observed"), "True Observed");
  EXPECT_EQ(condition(plan, "Ready").message, "1 of 1 ready");
  EXPECT_EQ(c.phase(), "Running");
  EXPECT_TRUE(c.is_settled());
}

TEST(Plan, AnswersACrashWithTheNextIncarnation) {
  Case c;
  c.exited(0, 4, 3);
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), ElementsAre("StartInstance 0#5 crash"));
  EXPECT_EQ(action_reason(plan.actions[0]), "crash: exit code 3");
}

TEST(Plan, WaitsOutTheBackoff) {
  Case c;
  c.exited(0, 4, 3);
  c.ledger.ordinals[0] = {.incarnation = 3, .folded_exit = 3, .consecutive_failures = 3, .failed_hash = "A"};
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(plan.next_check, kNow + 4s);
  EXPECT_EQ(told(plan, "Ready"), "False CrashBackoff");
  EXPECT_THAT(condition(plan, "Ready").message, HasSubstr("starts again in 4s after 4 failure(s) in a row"));
  EXPECT_THAT(condition(plan, "Ready").message, HasSubstr("exit code 3"));
  EXPECT_EQ(c.phase(), "Backoff");
  EXPECT_FALSE(c.is_settled());
  c.now += 4s;
  EXPECT_THAT(brief(c.step()), ElementsAre("StartInstance 0#5 crash"));
}

TEST(Plan, LooksAgainWhenARunBecomesStable) {
  Case c;
  c.run(0, 4);
  c.ledger.ordinals[0] = {.incarnation = 4, .folded_exit = 3, .consecutive_failures = 3, .failed_hash = "A"};
  EXPECT_EQ(c.step().next_check, kNow - 10s + 60s);
}

TEST(Plan, GivesUpVisibly) {
  Case c;
  c.exited(0, 4, 3);
  c.ledger.ordinals[0] = {.incarnation = 4,
                          .folded_exit = 4,
                          .failed = true,
                          .failed_hash = "A",
                          .last_exit = ExitRecord{.code = 3, .signal = {}, .reason = "exit code 3"}};
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(told(plan, "Failed"), "True BudgetExhausted");
  EXPECT_THAT(condition(plan, "Failed").message,
              HasSubstr("failed again after 10 restarts within 600s, last: exit code 3"));
  EXPECT_EQ(c.phase(), "Failed");
  EXPECT_TRUE(c.is_settled());
}

TEST(Plan, KeepsACompletedRunInSight) {
  Case c;
  c.spec.restart.mode = RestartMode::kNever;
  c.exited(0, 1, 0);
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(told(plan, "Ready"), "False Completed");
  EXPECT_EQ(c.phase(), "Completed");
  EXPECT_TRUE(c.is_settled());
}

TEST(Plan, NeverReplacesWhatItCannotSee) {
  for (const Desired desired : {Desired::kRunning, Desired::kStopped}) {
    Case c;
    c.desired = desired;
    c.run(0, 3, Phase::kUnknown).message = "the engine does not answer";
    c.nonce = 7;
    c.spec.spec_hash = "B";
    c.unhealthy(0, 3);
    const Plan plan = c.step();
    EXPECT_THAT(brief(plan), IsEmpty());
    EXPECT_EQ(told(plan, "Observed"), "Unknown InstanceUnknown");
    EXPECT_EQ(condition(plan, "Observed").message, "instance 0: the engine does not answer");
    EXPECT_EQ(c.phase(), "Unknown");
    EXPECT_FALSE(c.is_settled());
  }
}

TEST(Plan, AnUnknownRunBesideAnExitedOneStillBlocksTheStart) {
  Case c;
  c.run(0, 3, Phase::kUnknown);
  c.exited(0, 4, 1);
  EXPECT_THAT(brief(c.step()), IsEmpty());
}

TEST(Plan, StopsTheOlderOfTwoRuns) {
  Case c;
  c.run(0, 3);
  c.run(0, 4);
  EXPECT_THAT(brief(c.step()), ElementsAre("SignalInstance 0#3 duplicate"));
  EXPECT_FALSE(c.is_settled());
  c.clear();
  c.run(0, 3, Phase::kStopping).stopping_since = kNow - 30s;
  c.run(0, 4);
  EXPECT_THAT(brief(c.step()), ElementsAre("KillInstance 0#3 duplicate"));
}

TEST(Plan, ForgetsAnOldRunOnceANewOneIsThere) {
  Case c;
  c.exited(0, 3, 1);
  c.run(0, 4);
  EXPECT_THAT(brief(c.step()), ElementsAre("RemoveInstance 0#3"));
}

TEST(Plan, StopsWithGraceThenKillsOnceASecond) {
  Case c;
  c.spec.stop = {.signal = 2, .grace_period = 5s};
  c.run(0, 1);
  c.desired = Desired::kStopped;
  Plan plan = c.step();
  ASSERT_THAT(brief(plan), ElementsAre("SignalInstance 0#1 stop"));
  EXPECT_EQ(std::get<SignalInstance>(plan.actions[0]).signal, 2);
  EXPECT_EQ(c.phase(), "Stopping");
  c.clear();
  c.run(0, 1, Phase::kStopping);
  for (const Duration waited : {0s, 1s, 4s}) {
    c.now = kNow + waited;
    plan = c.step();
    EXPECT_THAT(brief(plan), IsEmpty());
    EXPECT_EQ(plan.next_check, kNow + 5s);
  }
  c.now = kNow + 5s;
  plan = c.step();
  EXPECT_THAT(brief(plan), ElementsAre("KillInstance 0#1 stop"));
  EXPECT_EQ(action_reason(plan.actions[0]), "did not stop within 5s");
  EXPECT_EQ(plan.next_check, kNow + 6s);
  c.now += 500ms;
  plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(plan.next_check, kNow + 6s);
  c.now += 500ms;
  EXPECT_THAT(brief(c.step()), ElementsAre("KillInstance 0#1 stop"));
  c.clear();
  c.exited(0, 1, 0);
  plan = c.step();
  EXPECT_THAT(brief(plan), ElementsAre("RemoveInstance 0#1"));
  EXPECT_EQ(told(plan, "Ready"), "False Stopped");
  EXPECT_FALSE(c.is_settled());
  c.clear();
  EXPECT_TRUE(c.is_settled());
  EXPECT_EQ(c.phase(), "Stopped");
}

TEST(Plan, AStoppedServiceWithRunsInBackoffIsNotRevived) {
  Case c;
  c.exited(0, 4, 3);
  c.fold();
  c.desired = Desired::kStopped;
  c.now += 1h;
  EXPECT_THAT(brief(c.step()), ElementsAre("RemoveInstance 0#4"));
}

TEST(Plan, AnUndeclaredServiceIsStoppedAsItWasLastDeclaredAndRemoved) {
  Case c;
  c.run(0, 1);
  c.exited(1, 1, 0);
  c.declared = false;
  c.fold();
  PlanInput input = c.input();
  input.last_stop = {.signal = 3, .grace_period = 5min};
  const Plan out = plan(input);
  EXPECT_THAT(brief(out), ElementsAre("SignalInstance 0#1 removed", "RemoveInstance 1#1"));
  EXPECT_EQ(std::get<SignalInstance>(out.actions[0]).signal, 3);
  EXPECT_EQ(out.next_check, kNow + 5min);
  EXPECT_EQ(phase_of(input, out), "Removing");
  EXPECT_FALSE(settled(input, out));
  c.clear();
  EXPECT_TRUE(c.is_settled());
}

TEST(Plan, ScalesDownFromTheTop) {
  Case c;
  for (int ordinal = 0; ordinal < 4; ++ordinal) c.run(ordinal, 1);
  c.spec.replicas = 2;
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), ElementsAre("SignalInstance 2#1 scale", "SignalInstance 3#1 scale"));
  EXPECT_EQ(told(plan, "Progressing"), "True ScalingDown");
  EXPECT_EQ(told(plan, "Ready"), "True AllReady");
}

TEST(Plan, ReplacesOneInstanceAtATime) {
  Case c;
  c.spec.replicas = 3;
  for (int ordinal = 0; ordinal < 3; ++ordinal) c.run(ordinal, 1);
  c.spec.spec_hash = "B";
  Plan plan = c.step();
  EXPECT_THAT(brief(plan), ElementsAre("SignalInstance 0#1 config"));
  EXPECT_EQ(told(plan, "Progressing"), "True Replacing");
  EXPECT_EQ(condition(plan, "Progressing").message, "3 of 3 still to be restarted");
  EXPECT_FALSE(c.is_settled());

  auto& first = c.observation.instances[0];
  first.phase = Phase::kStopping;
  first.stopping_since = c.now;
  EXPECT_THAT(brief(c.step()), IsEmpty());

  first.phase = Phase::kExited;
  first.exit = ExitRecord{.code = {}, .signal = 15, .reason = "killed by signal 15 (TERM)"};
  EXPECT_THAT(brief(c.step()), ElementsAre("StartInstance 0#2 config"));

  first.incarnation = 2;
  first.spec_hash = "B";
  first.exit.reset();
  first.phase = Phase::kStarting;
  EXPECT_THAT(brief(c.step()), IsEmpty());

  first.phase = Phase::kRunning;
  EXPECT_THAT(brief(c.step()), ElementsAre("SignalInstance 1#1 config"));
  EXPECT_EQ(c.ledger.restarts_by_cause["config"], 1u);
  EXPECT_EQ(c.ledger.ordinals[0].consecutive_failures, 0);
}

TEST(Plan, ReplacesWhatIsNotReadyFirst) {
  Case c;
  c.spec.replicas = 3;
  for (int ordinal = 0; ordinal < 3; ++ordinal) c.run(ordinal, 1);
  c.health[{1, 1}] = InstanceHealth{.state = HealthState::kUnhealthy, .ready = false};
  c.spec.spec_hash = "B";
  EXPECT_THAT(brief(c.step()), ElementsAre("SignalInstance 1#1 config"));
}

TEST(Plan, AnOperatorsRestartReplacesOlderRuns) {
  Case c;
  c.run(0, 1);
  c.nonce = 3;
  EXPECT_THAT(brief(c.step()), ElementsAre("SignalInstance 0#1 operator"));
  c.clear();
  c.run(0, 2).restart_nonce = 4;  // the intent was lost with the state dir: no reason to restart
  EXPECT_THAT(brief(c.step()), IsEmpty());
}

TEST(Plan, AnAdoptedRunWithoutAHashIsAsDeclared) {
  Case c;
  c.run(0, 1).spec_hash.clear();
  EXPECT_THAT(brief(c.step()), IsEmpty());
}

TEST(Plan, ANewConfigurationThatFailsHaltsTheReplacement) {
  Case c;
  c.spec.replicas = 2;
  c.spec.spec_hash = "B";
  c.exited(0, 9, 1);
  c.run(1, 1).spec_hash = "A";
  c.ledger.ordinals[0] = {.incarnation = 9, .folded_exit = 9, .failed = true, .failed_hash = "B"};
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(told(plan, "Progressing"), "False ReplacementHalted");
  EXPECT_EQ(c.phase(), "Failed");
  EXPECT_TRUE(c.is_settled());
}

TEST(Plan, RestartsAnUnhealthyInstanceButNotAllAtOnce) {
  Case c;
  c.spec.replicas = 3;
  for (int ordinal = 0; ordinal < 3; ++ordinal) {
    c.run(ordinal, 1);
    c.unhealthy(ordinal, 1);
  }
  const Plan plan = c.step();
  ASSERT_THAT(brief(plan), ElementsAre("SignalInstance 0#1 liveness"));
  EXPECT_EQ(action_reason(plan.actions[0]), "liveness: GET :80/: 503");
  c.observation.instances[0].phase = Phase::kStopping;
  c.observation.instances[0].stopping_since = c.now;
  EXPECT_THAT(brief(c.step()), IsEmpty());
}

TEST(Plan, AnInstanceThatMayNeverReturnDoesNotKeepAnUnhealthyOneAlive) {
  for (const Phase other : {Phase::kUnknown, Phase::kPending, Phase::kRunning}) {
    Case c;
    c.spec.replicas = 2;
    c.run(0, 1);
    c.run(1, 1, other);
    c.unhealthy(0, 1);
    c.health[{1, 1}] = InstanceHealth{.state = HealthState::kUnhealthy, .ready = false};
    EXPECT_THAT(brief(c.step()), ElementsAre("SignalInstance 0#1 liveness")) << to_string(other);
  }
}

TEST(Plan, AFailedStartupProbeRestartsAtOnce) {
  Case c;
  c.spec.replicas = 2;
  for (int ordinal = 0; ordinal < 2; ++ordinal) {
    c.run(ordinal, 1);
    c.health[{ordinal, 1}].startup_failed = true;
  }
  EXPECT_THAT(brief(c.step()), ElementsAre("SignalInstance 0#1 startup", "SignalInstance 1#1 startup"));
}

TEST(Plan, TheHealthOfAnOldRunSaysNothingOfANewOne) {
  Case c;
  c.run(0, 2);
  c.unhealthy(0, 1);
  EXPECT_THAT(brief(c.step()), IsEmpty());
}

TEST(Plan, ADeclaredProbeThatHasNotReportedIsNoPass) {
  Case c;
  c.spec.health.readiness = Probe{.check = TcpProbe{}};
  c.run(0, 1);
  Plan plan = c.step();
  EXPECT_EQ(told(plan, "Ready"), "False NotReady");
  EXPECT_EQ(c.phase(), "Running");
  EXPECT_FALSE(c.is_settled());
  c.spec.health.startup = c.spec.health.readiness;
  plan = c.step();
  EXPECT_EQ(told(plan, "Ready"), "False Starting");
  EXPECT_EQ(c.phase(), "Starting");
  c.health[{0, 1}] = InstanceHealth{.state = HealthState::kHealthy, .ready = true};
  EXPECT_EQ(told(c.step(), "Ready"), "True AllReady");
  EXPECT_TRUE(is_ready(c.input(), c.observation.instances[0]));
}

TEST(Plan, DependenciesHoldBackStartsOnly) {
  Case c;
  c.spec.replicas = 2;
  c.dependencies.unmet = {"database: waiting to be healthy"};
  c.run(0, 1);
  const Plan plan = c.step();
  EXPECT_THAT(brief(plan), IsEmpty());
  EXPECT_EQ(told(plan, "Ready"), "False WaitingForDependencies");
  EXPECT_THAT(condition(plan, "Ready").message, HasSubstr("database: waiting to be healthy"));
  EXPECT_EQ(c.phase(), "Waiting");
  EXPECT_FALSE(c.is_settled());
  c.spec.replicas = 1;
  c.spec.spec_hash = "B";
  EXPECT_THAT(brief(c.step()), IsEmpty()) << "what is stopped now could not be started again";
  c.unhealthy(0, 1);
  EXPECT_THAT(brief(c.step()), ElementsAre("SignalInstance 0#1 config"));
}

TEST(Plan, DependentsHoldBackTheStop) {
  for (const bool declared : {true, false}) {
    Case c;
    c.run(0, 1);
    c.desired = Desired::kStopped;
    c.declared = declared;
    c.dependencies.dependents_up = {"web"};
    const Plan plan = c.step();
    EXPECT_THAT(brief(plan), IsEmpty());
    EXPECT_EQ(told(plan, "Progressing"), "True WaitingForDependents");
    EXPECT_FALSE(c.is_settled());
    c.dependencies.dependents_up.clear();
    EXPECT_EQ(c.step().actions.size(), 1u);
  }
}

TEST(Plan, DependentsDoNotHoldBackAKillThatIsDue) {
  Case c;
  c.run(0, 1, Phase::kStopping).stopping_since = kNow - 31s;
  c.desired = Desired::kStopped;
  c.dependencies.dependents_up = {"web"};
  EXPECT_THAT(brief(c.step()), ElementsAre("KillInstance 0#1 stop"));
}

TEST(Plan, NoReplicasIsStopped) {
  Case c;
  c.spec.replicas = 0;
  EXPECT_EQ(told(c.step(), "Ready"), "True AllReady");
  EXPECT_EQ(c.phase(), "Stopped");
  EXPECT_TRUE(c.is_settled());
}

TEST(Plan, ConditionsCarryTheGeneration) {
  Case c;
  c.spec.generation = 12;
  const Plan plan = c.step();
  ASSERT_EQ(plan.conditions.size(), 4u);
  for (const Condition& each : plan.conditions) EXPECT_EQ(each.observed_generation, 12) << each.type;
}

}  // namespace
}  // namespace holdfast::planner
