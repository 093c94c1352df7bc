#include "controller/health/probe_book.h"

#include "tests/support/support.h"

namespace holdfast::health {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ProbeBookTest : public ::testing::Test {
 protected:
  static Probe http() {
    Probe probe;
    probe.check = HttpProbe{.port = 80};
    return probe;
  }
  static Probe exec() {
    Probe probe;
    probe.check = ExecProbe{.command = {"true"}};
    return probe;
  }
  template <typename Check>
  static Probe of(Check check) {
    Probe probe;
    probe.check = std::move(check);
    return probe;
  }
  SpecPtr spec() {
    auto next = std::make_shared<ServiceSpec>();
    next->name = "web";
    next->health = health_;
    return next;
  }
  ObservedInstance instance(int ordinal = 0, std::uint64_t incarnation = 1) const {
    ObservedInstance observed;
    observed.id = {"web", ordinal};
    observed.incarnation = incarnation;
    observed.phase = Phase::kRunning;
    observed.started_at = clock_.now();
    return observed;
  }
  bool track(const std::vector<ObservedInstance>& instances) {
    return book_.track(spec(), instances, clock_.now());
  }
  // Advances to when something is due and answers all that is; the kinds of the probes that were.
  std::vector<ProbeKind> step(Verdict verdict) {
    if (const auto next = book_.next_due()) clock_.advance_to(*next);
    std::vector<ProbeKind> kinds;
    for (const auto& run : book_.due(clock_.now(), 100).checks) {
      kinds.push_back(run->kind);
      book_.finish(run, {verdict, verdict == Verdict::kPass ? "" : "bad"}, clock_.now());
    }
    return kinds;
  }
  InstanceHealth health(int ordinal = 0, std::uint64_t incarnation = 1) const {
    const auto view = book_.view("web");
    const auto it = view.find({ordinal, incarnation});
    EXPECT_NE(it, view.end());
    return it == view.end() ? InstanceHealth{} : it->second;
  }

  holdfast::test::SimClock clock_;
  HealthSpec health_;
  ProbeBook book_;
};

using Kinds = std::vector<ProbeKind>;

TEST_F(ProbeBookTest, IsReadyAtOnceWithoutProbes) {
  EXPECT_TRUE(track({instance()}));
  EXPECT_TRUE(health().ready);
  EXPECT_FALSE(book_.next_due());
}

TEST_F(ProbeBookTest, ChecksFirstAfterTheInitialDelay) {
  health_.readiness = http();
  health_.readiness->initial_delay = 5s;
  const auto begin = clock_.now();
  track({instance()});
  EXPECT_EQ(book_.next_due(), begin + 5s);
  EXPECT_THAT(book_.due(begin + 4999ms, 10).checks, IsEmpty());
  EXPECT_THAT(book_.due(begin + 5s, 10).checks, SizeIs(1));
}

TEST_F(ProbeBookTest, CountsTheInitialDelayFromTheStartOfAnAdoptedRun) {
  health_.readiness = http();
  health_.readiness->initial_delay = 60s;
  auto adopted = instance();
  clock_.advance(1h);
  track({adopted});
  EXPECT_EQ(book_.next_due(), clock_.now());
}

TEST_F(ProbeBookTest, LetsTheStartupProbeGateTheOthers) {
  health_.startup = health_.readiness = health_.liveness = exec();
  track({instance()});
  EXPECT_EQ(step(Verdict::kFail), Kinds{ProbeKind::kStartup});
  EXPECT_EQ(step(Verdict::kFail), Kinds{ProbeKind::kStartup});
  EXPECT_EQ(health().state, HealthState::kStarting);
  EXPECT_EQ(health().message, "startup: bad");
  EXPECT_EQ(step(Verdict::kPass), Kinds{ProbeKind::kStartup});
  EXPECT_FALSE(health().ready) << "readiness has not passed yet";
  EXPECT_EQ(step(Verdict::kPass), (Kinds{ProbeKind::kReadiness, ProbeKind::kLiveness}));
  EXPECT_TRUE(health().ready);
  EXPECT_EQ(health().state, HealthState::kHealthy);
}

TEST_F(ProbeBookTest, EndsTheStartupProbeThatFailedForGood) {
  health_.startup = exec();
  health_.liveness = exec();
  track({instance()});
  for (int i = 0; i < 3; ++i) step(Verdict::kFail);
  EXPECT_TRUE(health().startup_failed);
  EXPECT_FALSE(book_.next_due());
}

TEST_F(ProbeBookTest, NeverLetsTheUnknownDecide) {
  health_.startup = exec();
  track({instance()});
  for (int i = 0; i < 50; ++i) step(Verdict::kUnknown);
  EXPECT_FALSE(health().startup_failed);
  EXPECT_FALSE(health().ready);
  EXPECT_EQ(health().state, HealthState::kStarting);
}

TEST_F(ProbeBookTest, RestartsNothingForEarlyFailures) {
  health_.startup = http();
  health_.startup->interval = 10s;
  health_.startup->failure_threshold = 2;
  const auto begin = clock_.now();
  track({instance()});
  while (clock_.now() < begin + 4s) {
    step(Verdict::kFail);
    ASSERT_FALSE(health().startup_failed);
  }
  while (!health().startup_failed) step(Verdict::kFail);
  EXPECT_GE(clock_.now(), begin + 5s);
  EXPECT_LE(clock_.now(), begin + 10s);
}

TEST_F(ProbeBookTest, IsReadySoonAfterTheServiceIs) {
  health_.readiness = http();
  health_.readiness->interval = 10s;
  const auto begin = clock_.now();
  track({instance()});
  while (clock_.now() < begin + 100ms) step(Verdict::kFail);
  step(Verdict::kPass);
  EXPECT_TRUE(health().ready);
  EXPECT_LT(clock_.now(), begin + 300ms);
}

TEST_F(ProbeBookTest, KeepsRunsApartByIncarnation) {
  health_.liveness = exec();
  track({instance(0, 1)});
  const auto old = book_.due(clock_.now(), 10).checks;
  ASSERT_THAT(old, SizeIs(1));
  EXPECT_TRUE(track({instance(0, 2)}));
  EXPECT_FALSE(book_.view("web").contains({0, 1}));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(book_.finish(old[0], {Verdict::kFail, "late"}, clock_.now()));
  EXPECT_FALSE(health(0, 2).liveness_failed);
  EXPECT_EQ(health(0, 2).message, "");
}

TEST_F(ProbeBookTest, HasOneCheckOfAProbeUnderWay) {
  health_.liveness = exec();
  track({instance()});
  EXPECT_THAT(book_.due(clock_.now(), 10).checks, SizeIs(1));
  clock_.advance(1h);
  track({instance()});
  EXPECT_THAT(book_.due(clock_.now(), 10).checks, IsEmpty());
}

TEST_F(ProbeBookTest, GivesNoMoreChecksThanAskedFor) {
  health_.liveness = exec();
  std::vector<ObservedInstance> many;
  for (int i = 0; i < 10; ++i) many.push_back(instance(i));
  track(many);
  EXPECT_THAT(book_.due(clock_.now(), 4).checks, SizeIs(4));
  EXPECT_THAT(book_.due(clock_.now(), 0).checks, IsEmpty());
  EXPECT_THAT(book_.due(clock_.now(), 100).checks, SizeIs(6));
}

TEST_F(ProbeBookTest, ProbesOnlyWhatRuns) {
  health_.readiness = exec();
  for (const auto phase : {Phase::kPending, Phase::kStopping, Phase::kExited, Phase::kUnknown}) {
    auto observed = instance();
    observed.phase = phase;
    track({observed});
    EXPECT_THAT(book_.view("web"), IsEmpty()) << to_string(phase);
  }
}

TEST_F(ProbeBookTest, KeepsTheHealthOfAnInstanceThatCannotBeSeen) {
  health_.readiness = exec();
  auto observed = instance();
  track({observed});
  step(Verdict::kPass);
  observed.phase = Phase::kUnknown;
  EXPECT_FALSE(track({observed}));
  EXPECT_TRUE(health().ready);
}

TEST_F(ProbeBookTest, KeepsTheVerdictWhenOnlyTheTimingChanges) {
  health_.readiness = exec();
  auto observed = instance();
  track({observed});
  step(Verdict::kPass);
  health_.readiness->interval = 1s;
  EXPECT_FALSE(track({observed}));
  EXPECT_TRUE(health().ready);
  EXPECT_LE(*book_.next_due(), clock_.now() + 1s);
  health_.readiness.reset();
  health_.liveness = exec();
  track({observed});
  EXPECT_EQ(step(Verdict::kFail), Kinds{ProbeKind::kLiveness});
}

TEST_F(ProbeBookTest, FoldsHeartbeats) {
  health_.liveness = of(HeartbeatProbe{.within = 60s});
  track({instance()});
  EXPECT_FALSE(book_.last_heartbeat("web"));
  clock_.advance(50s);
  EXPECT_TRUE(book_.heartbeat("web", clock_.now(), clock_.wall()));
  EXPECT_EQ(health().state, HealthState::kHealthy);
  EXPECT_EQ(book_.last_heartbeat("web"), clock_.wall());
  clock_.advance(59s);
  EXPECT_FALSE(book_.heartbeat("web", clock_.now(), clock_.wall())) << "nothing new";
  clock_.advance_to(*book_.next_due());
  EXPECT_EQ(book_.due(clock_.now(), 0).changed, std::set<std::string>{}) << "no checks asked for";
  EXPECT_EQ(book_.due(clock_.now(), 1).changed, std::set<std::string>{"web"});
  EXPECT_TRUE(health().liveness_failed);
  EXPECT_EQ(health().message, "liveness: no heartbeat within 60 s");
  EXPECT_FALSE(book_.next_due());
  EXPECT_TRUE(book_.heartbeat("web", clock_.now(), clock_.wall()));
  EXPECT_FALSE(health().liveness_failed);
}

TEST_F(ProbeBookTest, GivesANewRunItsWholeWindow) {
  health_.liveness = of(HeartbeatProbe{.within = 60s});
  track({instance(0, 1)});
  book_.heartbeat("web", clock_.now(), clock_.wall());
  clock_.advance(2h);
  track({instance(0, 2)});
  EXPECT_FALSE(health(0, 2).liveness_failed);
  EXPECT_EQ(health(0, 2).state, HealthState::kUnknown) << "the heartbeat was of the run before";
}

TEST_F(ProbeBookTest, GivesAnAdoptedRunItsWholeWindow) {
  health_.liveness = of(NotifyProbe{.within = 30s});
  auto adopted = instance();
  adopted.notify_watchdog = clock_.now() + 5s;
  clock_.advance(2h);
  track({adopted});
  EXPECT_FALSE(health().liveness_failed) << "it may have sent all the time while no controller ran";
  clock_.advance(31s);
  EXPECT_EQ(book_.due(clock_.now(), 1).changed.size(), 1u);
  EXPECT_TRUE(health().liveness_failed);
}

TEST_F(ProbeBookTest, FoldsReadyAndWatchdogFromTheObservation) {
  health_.startup = of(NotifyProbe{});
  health_.liveness = of(NotifyProbe{.within = 30s});
  auto observed = instance();
  track({observed});
  EXPECT_EQ(health().state, HealthState::kStarting);
  observed.notify_ready = true;
  EXPECT_TRUE(track({observed}));
  EXPECT_TRUE(health().ready);
  for (int i = 0; i < 10; ++i) {
    clock_.advance(20s);
    observed.notify_watchdog = clock_.now();
    track({observed});
    EXPECT_THAT(book_.due(clock_.now(), 1).changed, IsEmpty());
  }
  clock_.advance(31s);
  book_.due(clock_.now(), 1);
  EXPECT_TRUE(health().liveness_failed);
}

TEST_F(ProbeBookTest, ForgetsAService) {
  health_.liveness = exec();
  track({instance()});
  const auto checks = book_.due(clock_.now(), 1).checks;
  book_.heartbeat("web", clock_.now(), clock_.wall());
  book_.forget("web");
  EXPECT_THAT(book_.view("web"), IsEmpty());
  EXPECT_FALSE(book_.last_heartbeat("web"));
  EXPECT_FALSE(book_.next_due());
  EXPECT_FALSE(book_.finish(checks.at(0), {Verdict::kFail, "late"}, clock_.now()));
}

}  // namespace
}  // namespace holdfast::health
