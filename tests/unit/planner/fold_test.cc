#include "tests/unit/planner/case.h"

namespace holdfast::planner {
namespace {

OrdinalLedger& zero(Case& c) {
  return c.ledger.ordinals[0];
}

TEST(Fold, ChangesNothingOnASteadyService) {
  Case c;
  c.run(0, 1);
  EXPECT_TRUE(c.fold());
  const RestartLedger before = c.ledger;
  EXPECT_FALSE(c.fold());
  EXPECT_EQ(c.ledger, before);
  EXPECT_THAT(c.notes, IsEmpty());
}

TEST(Fold, TheFirstStartIsNoRestart) {
  Case c;
  c.run(0, 1);
  c.fold();
  ASSERT_EQ(c.notes.size(), 1u);
  EXPECT_EQ(c.notes[0].kind, FoldNote::Kind::kStarted);
  EXPECT_EQ(c.notes[0].cause, "");
  EXPECT_THAT(c.ledger.restarts_by_cause, IsEmpty());
}

TEST(Fold, CountsAnExitOnceAndTheRestartByItsCause) {
  Case c;
  c.exited(0, 1, 3);
  c.fold();
  EXPECT_EQ(zero(c).consecutive_failures, 1);
  EXPECT_EQ(zero(c).next_start, kNow);  // the first restart comes at once
  EXPECT_FALSE(noted(c, FoldNote::Kind::kBackoff));
  c.fold();
  EXPECT_EQ(zero(c).consecutive_failures, 1);
  EXPECT_THAT(c.ledger.restarts_by_cause, IsEmpty());
  c.clear();
  c.run(0, 2);
  c.fold();
  EXPECT_EQ(c.ledger.restarts_by_cause["crash"], 1u);
  EXPECT_EQ(zero(c).last_cause, "crash");
  EXPECT_EQ(zero(c).next_cause, "");
}

TEST(Fold, NamesTheCause) {
  const auto cause = [](const ExitRecord& exit) {
    Case c;
    c.run(0, 1, Phase::kExited).exit = exit;
    c.fold();
    return zero(c).next_cause;
  };
  ExitRecord exit;
  EXPECT_EQ(cause(exit), "crash");  // unknown, e.g. the machine was rebooted
  exit.code = 1;
  EXPECT_EQ(cause(exit), "crash");
  exit.code = 0;
  EXPECT_EQ(cause(exit), "exit");
  exit.code.reset();
  exit.signal = 9;
  EXPECT_EQ(cause(exit), "crash");
  exit.oom_killed = true;
  EXPECT_EQ(cause(exit), "oom");
}

TEST(Fold, BacksOffUpToTheMaximum) {
  Case c;
  c.spec.restart.budget_attempts = 0;
  c.spec.restart.backoff.max = 10s;
  std::vector<Duration> delays;
  for (std::uint64_t n = 1; n <= 8; ++n) {
    c.clear();
    c.exited(0, n, 1).started_at = c.now;
    c.fold();
    delays.push_back(*zero(c).next_start - c.now);
    c.now = *zero(c).next_start;
  }
  EXPECT_THAT(delays, ElementsAre(0s, 1s, 2s, 4s, 8s, 10s, 10s, 10s));
  EXPECT_TRUE(noted(c, FoldNote::Kind::kBackoff));
}

TEST(Fold, JitterLengthensButKeepsTheOrder) {
  Case c;
  c.spec.restart.budget_attempts = 0;
  c.spec.restart.backoff.jitter = 1;
  Duration last{0};
  for (std::uint64_t n = 1; n <= 20; ++n) {
    c.clear();
    c.exited(0, n, 1).started_at = c.now;
    c.fold();
    const Duration delay = *zero(c).next_start - c.now;
    EXPECT_GE(delay, last) << n;
    EXPECT_LE(delay, 120s) << n;
    last = delay;
  }
  EXPECT_GT(last, 60s);
}

TEST(Fold, AStableRunEndsTheStreak) {
  Case c;
  zero(c) = {
      .incarnation = 5, .folded_exit = 4, .consecutive_failures = 4, .streak_start = 1, .failed_hash = "A"};
  c.run(0, 5).started_at = kNow - 59s;
  EXPECT_FALSE(c.fold());
  c.now += 1s;
  EXPECT_TRUE(c.fold());
  EXPECT_TRUE(noted(c, FoldNote::Kind::kStable));
  EXPECT_EQ(zero(c).consecutive_failures, 0);
}

TEST(Fold, AStableRunThatNobodyWatchedEndsTheStreakToo) {
  Case c;
  zero(c) = {
      .incarnation = 5, .folded_exit = 4, .consecutive_failures = 4, .streak_start = 1, .failed_hash = "A"};
  auto& run = c.exited(0, 5, 1);
  run.started_at = kNow - 1h;
  run.started_wall = kWall - 61s;
  c.fold();
  EXPECT_EQ(zero(c).consecutive_failures, 1);
  EXPECT_EQ(zero(c).streak_start, 5u);
}

TEST(Fold, AJumpOfTheWallClockMakesNoRunStable) {
  Case c;
  zero(c) = {
      .incarnation = 5, .folded_exit = 4, .consecutive_failures = 4, .streak_start = 1, .failed_hash = "A"};
  auto& run = c.exited(0, 5, 1);
  run.started_at = kNow - 2s;
  run.started_wall = kWall - 24h;  // the clock was set forward while it ran
  c.fold();
  EXPECT_EQ(zero(c).consecutive_failures, 5);
  run.started_wall = kWall + 24h;  // or back
  zero(c).folded_exit = 4;
  c.fold();
  EXPECT_EQ(zero(c).consecutive_failures, 6);
}

TEST(Fold, TheBudgetEndsInFailed) {
  Case c;
  c.spec.restart.budget_attempts = 3;
  c.spec.restart.budget_window = 10min;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    c.clear();
    c.exited(0, n, 1);
    c.fold();
    EXPECT_FALSE(zero(c).failed) << n;
    c.now += 70s;
  }
  c.clear();
  c.exited(0, 4, 1);
  c.fold();
  EXPECT_TRUE(zero(c).failed);
  EXPECT_TRUE(noted(c, FoldNote::Kind::kFailed));
  EXPECT_EQ(zero(c).next_start, std::nullopt);
  EXPECT_EQ(zero(c).next_cause, "");
}

TEST(Fold, TheBudgetForgetsWhatIsOlderThanItsWindow) {
  Case c;
  c.spec.restart.budget_attempts = 3;
  c.spec.restart.budget_window = 1min;
  for (std::uint64_t n = 1; n <= 20; ++n) {
    c.clear();
    c.exited(0, n, 1);
    c.fold();
    ASSERT_FALSE(zero(c).failed) << n;
    ASSERT_LE(zero(c).recent_restarts.size(), 3u);
    c.now += 1min + *zero(c).next_start - c.now;
  }
}

struct ModeRow {
  RestartMode mode;
  int code;
  bool restarts, completed, failed;
};
class RestartModes : public testing::TestWithParam<ModeRow> {};

TEST_P(RestartModes, DecideWhatAnExitMeans) {
  Case c;
  c.spec.restart.mode = GetParam().mode;
  c.exited(0, 1, GetParam().code);
  c.fold();
  EXPECT_EQ(zero(c).next_start.has_value(), GetParam().restarts);
  EXPECT_EQ(zero(c).completed, GetParam().completed);
  EXPECT_EQ(zero(c).failed, GetParam().failed);
  EXPECT_EQ(noted(c, FoldNote::Kind::kCompleted), GetParam().completed);
  EXPECT_EQ(noted(c, FoldNote::Kind::kFailed), GetParam().failed);
}
INSTANTIATE_TEST_SUITE_P(Table, RestartModes,
                         testing::Values(ModeRow{RestartMode::kAlways, 0, true, false, false},
                                         ModeRow{RestartMode::kAlways, 1, true, false, false},
                                         ModeRow{RestartMode::kOnFailure, 0, false, true, false},
                                         ModeRow{RestartMode::kOnFailure, 1, true, false, false},
                                         ModeRow{RestartMode::kNever, 0, false, true, false},
                                         ModeRow{RestartMode::kNever, 1, false, false, true}));

TEST(Fold, AnAskedForExitIsNoFailure) {
  for (const std::string why : {"stop", "config", "operator", "scale"}) {
    Case c;
    c.run(0, 1);
    c.fold();
    note_action(c.ledger, SignalInstance{{"web", 0}, 1, 15, "because", why}, c.now);
    c.clear();
    c.exited(0, 1, 1);
    c.fold();
    EXPECT_EQ(zero(c).consecutive_failures, 0) << why;
    EXPECT_THAT(zero(c).recent_restarts, IsEmpty()) << why;
    EXPECT_EQ(zero(c).next_start, std::nullopt) << why;
    EXPECT_EQ(zero(c).next_cause, why == "config" || why == "operator" ? why : "");
    EXPECT_EQ(zero(c).stop_incarnation, 0u);
    c.clear();
    c.run(0, 2);
    c.fold();
    EXPECT_EQ(c.ledger.restarts_by_cause.count(why), why == "config" || why == "operator" ? 1u : 0u);
  }
}

TEST(Fold, AProbesRestartIsAFailure) {
  for (const std::string why : {"liveness", "startup"}) {
    Case c;
    c.run(0, 1);
    c.fold();
    note_action(c.ledger, SignalInstance{{"web", 0}, 1, 15, "because", why}, c.now);
    c.clear();
    c.exited(0, 1, 0);
    c.fold();
    EXPECT_EQ(zero(c).consecutive_failures, 1) << why;
    EXPECT_EQ(zero(c).next_cause, why);
    EXPECT_EQ(zero(c).recent_restarts.size(), 1u);
  }
}

TEST(Fold, AStopWhoseNoteIsLostIsStillNoCrash) {
  Case c;
  c.run(0, 1, Phase::kStopping);
  c.fold();
  c.clear();
  c.exited(0, 1, 1);
  c.fold();
  EXPECT_EQ(zero(c).consecutive_failures, 0);
  EXPECT_EQ(c.notes.at(0).cause, "stop");
}

TEST(Fold, AnInstanceThatDisappearsHasFailed) {
  Case c;
  c.run(0, 1);
  c.fold();
  c.clear();
  c.fold();
  EXPECT_EQ(zero(c).next_cause, "lost");
  EXPECT_EQ(zero(c).consecutive_failures, 1);
  ASSERT_TRUE(zero(c).last_exit);
  EXPECT_EQ(zero(c).last_exit->at, kWall);
  EXPECT_FALSE(c.fold());
}

TEST(Fold, ACrashWhileStoppedIsOnlyRecorded) {
  Case c;
  c.run(0, 1);
  c.fold();
  c.desired = Desired::kStopped;
  c.clear();
  c.exited(0, 1, 1);
  c.fold();
  EXPECT_TRUE(noted(c, FoldNote::Kind::kExited));
  EXPECT_EQ(zero(c).consecutive_failures, 0);
  EXPECT_EQ(zero(c).next_start, std::nullopt);
  ASSERT_TRUE(zero(c).last_exit);
  EXPECT_EQ(zero(c).last_exit->code, 1);
}

struct ClearRow {
  const char* what;
  void (*change)(Case&);
  const char* cause;
};
class Clearing : public testing::TestWithParam<ClearRow> {};

TEST_P(Clearing, FailedAndBackoffAreForgotten) {
  for (const bool failed : {true, false}) {
    Case c;
    c.exited(0, 7, 1);
    zero(c) = {.incarnation = 7,
               .folded_exit = 7,
               .consecutive_failures = 7,
               .streak_start = 1,
               .next_start = failed ? std::nullopt : std::optional(kNow + 60s),
               .recent_restarts = {kNow},
               .failed = failed,
               .failed_hash = "A",
               .next_cause = failed ? "" : "crash"};
    GetParam().change(c);
    EXPECT_TRUE(c.fold());
    EXPECT_FALSE(zero(c).failed);
    EXPECT_EQ(zero(c).consecutive_failures, 0);
    EXPECT_EQ(zero(c).next_start, std::nullopt);
    EXPECT_THAT(zero(c).recent_restarts, IsEmpty());
    EXPECT_EQ(zero(c).next_cause, GetParam().cause);
    EXPECT_FALSE(c.fold());
  }
}
INSTANTIATE_TEST_SUITE_P(Table, Clearing,
                         testing::Values(ClearRow{"config", [](Case& c) { c.spec.spec_hash = "B"; },
                                                  "config"},
                                         ClearRow{"operator", [](Case& c) { c.nonce = 1; }, "operator"},
                                         ClearRow{"stop", [](Case& c) { c.desired = Desired::kStopped; }, ""},
                                         ClearRow{"scale", [](Case& c) { c.spec.replicas = 0; }, ""}),
                         [](const auto& row) { return std::string(row.param.what); });

TEST(Fold, ACompletedJobRunsAgainWithANewConfiguration) {
  Case c;
  c.spec.restart.mode = RestartMode::kNever;
  c.exited(0, 1, 0);
  c.fold();
  ASSERT_TRUE(zero(c).completed);
  c.spec.spec_hash = "B";
  c.fold();
  EXPECT_FALSE(zero(c).completed);
}

TEST(Fold, AnEarlierConfigurationsExitDoesNotCountAgainstTheNewOne) {
  Case c;
  c.spec.restart.mode = RestartMode::kNever;
  c.exited(0, 1, 1).spec_hash = "old";
  c.fold();
  EXPECT_FALSE(zero(c).failed);
  EXPECT_EQ(zero(c).consecutive_failures, 0);
  EXPECT_EQ(zero(c).next_cause, "config");
}

TEST(Fold, WithoutASpecOnlyRecords) {
  Case c;
  c.declared = false;
  c.exited(0, 3, 1);
  EXPECT_TRUE(c.fold());
  EXPECT_EQ(zero(c).folded_exit, 3u);
  EXPECT_EQ(zero(c).next_start, std::nullopt);
  EXPECT_FALSE(c.fold());
}

TEST(Fold, KeepsOrdinalsApart) {
  Case c;
  c.spec.replicas = 3;
  c.run(0, 1);
  c.exited(1, 4, 1);
  c.run(2, 2);
  c.fold();
  EXPECT_EQ(c.ledger.ordinals.size(), 3u);
  EXPECT_EQ(c.ledger.ordinals[0].consecutive_failures, 0);
  EXPECT_EQ(c.ledger.ordinals[1].consecutive_failures, 1);
  EXPECT_EQ(c.ledger.ordinals[2].incarnation, 2u);
}

TEST(Fold, TakesAnObservationInAnyOrder) {
  Case c;
  c.spec.replicas = 2;
  c.run(0, 1);
  c.run(1, 1);
  c.run(0, 2);
  std::reverse(c.observation.instances.begin(), c.observation.instances.end());
  c.fold();
  EXPECT_EQ(c.ledger.ordinals[0].incarnation, 2u);
  EXPECT_FALSE(c.fold());
}

TEST(NoteAction, RemembersTheFirstReasonAndTheLastKill) {
  RestartLedger ledger;
  ledger.ordinals[0].incarnation = 2;
  const auto signal = [](std::uint64_t run, std::string why) {
    return SignalInstance{{"web", 0}, run, 15, "because", std::move(why)};
  };
  EXPECT_TRUE(note_action(ledger, signal(2, "config"), kNow));
  EXPECT_FALSE(note_action(ledger, signal(2, "stop"), kNow + 1s));
  EXPECT_FALSE(note_action(ledger, signal(1, "duplicate"), kNow + 1s));
  EXPECT_EQ(ledger.ordinals[0].stop_cause, "config");
  EXPECT_EQ(ledger.ordinals[0].stop_since, kNow);
  EXPECT_TRUE(note_action(ledger, KillInstance{{"web", 0}, 2, "late", "config"}, kNow + 30s));
  EXPECT_EQ(ledger.ordinals[0].killed_at, kNow + 30s);
  EXPECT_FALSE(note_action(ledger, StartInstance{{"web", 0}, 3, "x"}, kNow));
  EXPECT_FALSE(note_action(ledger, RemoveInstance{{"web", 0}, 3, "x"}, kNow));
  EXPECT_FALSE(note_action(ledger, ApplyWorkload{"web", "x"}, kNow));
}

}  // namespace
}  // namespace holdfast::planner
