#include "controller/health/fold.h"

#include "tests/support/support.h"

namespace holdfast::health {
namespace {

using namespace std::chrono_literals;

Probe probe(int successes, int failures) {
  Probe result;
  result.success_threshold = successes;
  result.failure_threshold = failures;
  return result;
}

// One letter per check: p pass, f fail, u unknown.
ProbeState after(const std::string& checks, const Probe& with) {
  ProbeState state;
  for (const char c : checks) {
    const auto verdict = c == 'p' ? Verdict::kPass : c == 'f' ? Verdict::kFail : Verdict::kUnknown;
    state = fold(state, with, {verdict, c == 'p' ? "" : std::string(1, c)});
  }
  return state;
}

struct FoldCase {
  const char* checks;
  int successes, failures;
  Verdict verdict;
  const char* message;
};

class FoldTest : public ::testing::TestWithParam<FoldCase> {};

TEST_P(FoldTest, CountsRowsAgainstThresholds) {
  const auto& c = GetParam();
  const auto state = after(c.checks, probe(c.successes, c.failures));
  EXPECT_EQ(state.verdict, c.verdict) << c.checks;
  EXPECT_EQ(state.message, c.message) << c.checks;
}

constexpr auto P = Verdict::kPass;
constexpr auto F = Verdict::kFail;
constexpr auto U = Verdict::kUnknown;
INSTANTIATE_TEST_SUITE_P(Table, FoldTest,
                         ::testing::Values(                     //
                             FoldCase{"", 1, 3, U, ""},         //
                             FoldCase{"p", 1, 3, P, ""},        //
                             FoldCase{"f", 1, 3, U, "f"},       //
                             FoldCase{"ff", 1, 3, U, "f"},      //
                             FoldCase{"fff", 1, 3, F, "f"},     //
                             FoldCase{"ffp", 1, 3, P, ""},      //
                             FoldCase{"ffpff", 1, 3, P, "f"},   // a pass ends the row
                             FoldCase{"pfff", 1, 3, F, "f"},    //
                             FoldCase{"fffp", 1, 3, P, ""},     //
                             FoldCase{"pp", 3, 1, U, ""},       //
                             FoldCase{"ppp", 3, 1, P, ""},      //
                             FoldCase{"ppfpp", 3, 2, U, ""},    // a failure ends the row
                             FoldCase{"ppfppp", 3, 2, P, ""},   //
                             FoldCase{"fpp", 3, 1, F, ""},      // stays until the threshold of passes
                             FoldCase{"fppp", 3, 1, P, ""},     //
                             FoldCase{"uuuuuu", 1, 1, U, "u"},  // unknown is neither
                             FoldCase{"ffuf", 1, 3, F, "f"},    // and interrupts no row
                             FoldCase{"ppup", 3, 1, P, ""},     //
                             FoldCase{"puuuu", 1, 1, P, "u"},   //
                             FoldCase{"fuuuu", 1, 1, F, "u"},   //
                             FoldCase{"f", 1, 1, F, "f"}));

// A run whose probes have the given verdicts; '-' for a probe that is not declared, '?' for undecided.
struct SummaryCase {
  const char* probes;  // startup, readiness, liveness
  HealthState state;
  bool ready, startup_failed, liveness_failed;
  const char* message;
};

class SummaryTest : public ::testing::TestWithParam<SummaryCase> {};

TEST_P(SummaryTest, GatesAndCombines) {
  const auto& c = GetParam();
  HealthSpec spec;
  RunState run;
  const auto declare = [&](std::optional<Probe>& where, ProbeState& state, char verdict) {
    if (verdict == '-') return;
    where = Probe{};
    state.verdict = verdict == 'p' ? P : verdict == 'f' ? F : U;
    if (verdict == 'f') state.message = "bad";
  };
  declare(spec.startup, run.startup, c.probes[0]);
  declare(spec.readiness, run.readiness, c.probes[1]);
  declare(spec.liveness, run.liveness, c.probes[2]);
  const auto health = summarize(spec, run);
  EXPECT_EQ(to_string(health.state), to_string(c.state)) << c.probes;
  EXPECT_EQ(health.ready, c.ready) << c.probes;
  EXPECT_EQ(health.startup_failed, c.startup_failed) << c.probes;
  EXPECT_EQ(health.liveness_failed, c.liveness_failed) << c.probes;
  EXPECT_EQ(health.message, c.message) << c.probes;
}

using H = HealthState;
INSTANTIATE_TEST_SUITE_P(Table, SummaryTest,
                         ::testing::Values(                                                             //
                             SummaryCase{"---", H::kUnknown, true, false, false, ""},                   //
                             SummaryCase{"?--", H::kStarting, false, false, false, ""},                 //
                             SummaryCase{"p--", H::kHealthy, true, false, false, ""},                   //
                             SummaryCase{"f--", H::kUnhealthy, false, true, false, "startup: bad"},     //
                             SummaryCase{"-?-", H::kStarting, false, false, false, ""},                 //
                             SummaryCase{"-p-", H::kHealthy, true, false, false, ""},                   //
                             SummaryCase{"-f-", H::kUnhealthy, false, false, false, "readiness: bad"},  //
                             SummaryCase{"--?", H::kUnknown, true, false, false, ""},                   //
                             SummaryCase{"--p", H::kHealthy, true, false, false, ""},                   //
                             SummaryCase{"--f", H::kUnhealthy, false, false, true, "liveness: bad"},    //
                             SummaryCase{"?pp", H::kStarting, false, false, false, ""},   // startup gates
                             SummaryCase{"?ff", H::kUnhealthy, false, false, false, ""},  //
                             SummaryCase{"fpp", H::kUnhealthy, false, true, false, "startup: bad"},   //
                             SummaryCase{"p?p", H::kStarting, false, false, false, ""},               //
                             SummaryCase{"ppp", H::kHealthy, true, false, false, ""},                 //
                             SummaryCase{"ppf", H::kUnhealthy, false, false, true, "liveness: bad"},  //
                             SummaryCase{"pff", H::kUnhealthy, false, false, true, "liveness: bad"},  //
                             SummaryCase{"pfp", H::kUnhealthy, false, false, false, "readiness: bad"}));

TEST(Wanted, GatesByStartup) {
  HealthSpec spec;
  spec.startup = spec.liveness = Probe{};
  RunState run;
  EXPECT_TRUE(wanted(spec, run, ProbeKind::kStartup));
  EXPECT_FALSE(wanted(spec, run, ProbeKind::kLiveness));
  EXPECT_FALSE(wanted(spec, run, ProbeKind::kReadiness)) << "not declared";
  run.startup.verdict = P;
  EXPECT_FALSE(wanted(spec, run, ProbeKind::kStartup)) << "decided for good";
  EXPECT_TRUE(wanted(spec, run, ProbeKind::kLiveness));
  run.startup.verdict = F;
  EXPECT_FALSE(wanted(spec, run, ProbeKind::kStartup));
  EXPECT_FALSE(wanted(spec, run, ProbeKind::kLiveness));
}

// Times in seconds after the run began; nullopt: never heard.
struct SilenceCase {
  std::optional<int> heard;
  int now;
  Verdict verdict;
  std::optional<int> next;
};

class SilenceTest : public ::testing::TestWithParam<SilenceCase> {};

TEST_P(SilenceTest, JudgesHeartbeats) {
  const auto& c = GetParam();
  const MonoTime begin{1000s};
  Probe p;
  p.check = HeartbeatProbe{.within = 60s};
  Heard heard;
  heard.since = begin;
  if (c.heard) heard.beat = begin + std::chrono::seconds(*c.heard);
  const auto judgement = judge(p, ProbeKind::kLiveness, heard, begin + std::chrono::seconds(c.now));
  EXPECT_EQ(judgement.result.verdict, c.verdict);
  EXPECT_EQ(judgement.next.has_value(), c.next.has_value());
  if (c.next && judgement.next) {
    EXPECT_EQ(*judgement.next, begin + std::chrono::seconds(*c.next));
  }
}

INSTANTIATE_TEST_SUITE_P(Table, SilenceTest,
                         ::testing::Values(                  //
                             SilenceCase{{}, 0, U, 60},      //
                             SilenceCase{{}, 60, U, 60},     //
                             SilenceCase{{}, 61, F, {}},     //
                             SilenceCase{10, 10, P, 70},     //
                             SilenceCase{10, 70, P, 70},     //
                             SilenceCase{10, 71, F, {}},     //
                             SilenceCase{500, 520, P, 560},  //
                             SilenceCase{-30, 5, P, 30},     // a watchdog of before the watch
                             SilenceCase{-30, 31, U, 60},    // counts, but costs nothing
                             SilenceCase{-500, 5, U, 60}));

TEST(Notify, PassesOnReadyAndFailsAfterTheWindow) {
  Probe p;
  p.check = NotifyProbe{};
  p.interval = 2s;
  p.failure_threshold = 5;
  p.initial_delay = 1s;
  Heard heard;
  heard.since = MonoTime{100s};
  EXPECT_EQ(judge(p, ProbeKind::kStartup, heard, MonoTime{111s}).result.verdict, U);
  const auto late = judge(p, ProbeKind::kStartup, heard, MonoTime{112s});
  EXPECT_EQ(late.result.verdict, F);
  EXPECT_EQ(late.result.message, "no READY=1 within 10 s");
  heard.ready = true;
  for (const auto kind : {ProbeKind::kStartup, ProbeKind::kReadiness}) {
    EXPECT_EQ(judge(p, kind, heard, MonoTime{100'000s}).result.verdict, P);
  }
}

TEST(Notify, WatchesTheWatchdogAsLiveness) {
  Probe p;
  p.check = NotifyProbe{.within = 30s};
  Heard heard;
  heard.since = MonoTime{100s};
  heard.ready = true;
  EXPECT_EQ(judge(p, ProbeKind::kLiveness, heard, MonoTime{130s}).result.verdict, U);
  EXPECT_EQ(judge(p, ProbeKind::kLiveness, heard, MonoTime{131s}).result.message,
            "no WATCHDOG=1 within 30 s");
  heard.watchdog = MonoTime{125s};
  EXPECT_EQ(judge(p, ProbeKind::kLiveness, heard, MonoTime{131s}).result.verdict, P);
  EXPECT_EQ(judge(p, ProbeKind::kLiveness, heard, MonoTime{156s}).result.verdict, F);
}

}  // namespace
}  // namespace holdfast::health
