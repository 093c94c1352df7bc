#include "controller/health/cadence.h"

#include "tests/support/support.h"

namespace holdfast::health {
namespace {

using namespace std::chrono_literals;

Probe every(Duration interval) {
  Probe probe;
  probe.interval = interval;
  return probe;
}
const MonoTime kBegin{1000s};

TEST(Cadence, KeepsTheIntervalAfterThePhase) {
  Cadence cadence(every(10s), kBegin, 0.5, false);
  std::vector<Duration> times;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(cadence.counted());
    times.push_back(cadence.due() - kBegin);
    cadence.advance(cadence.due() + 300ms, false);
  }
  EXPECT_EQ(times, (std::vector<Duration>{0s, 7500ms, 17500ms, 27500ms}));
}

TEST(Cadence, LeavesOutMissedIntervals) {
  Cadence cadence(every(10s), kBegin, 1, false);
  cadence.advance(kBegin, false);
  EXPECT_EQ(cadence.due(), kBegin + 10s);
  cadence.advance(kBegin + 47s, false);
  EXPECT_EQ(cadence.due(), kBegin + 50s);
  cadence.advance(kBegin + 60s, false);
  EXPECT_EQ(cadence.due(), kBegin + 70s);
}

TEST(Cadence, ChecksEarlyUntilThePass) {
  Cadence cadence(every(1s), kBegin, 1, true);
  std::vector<Duration> early;
  cadence.advance(kBegin, false);
  while (!cadence.counted()) {
    early.push_back(cadence.due() - kBegin);
    cadence.advance(cadence.due(), false);
  }
  EXPECT_EQ(early,
            (std::vector<Duration>{20ms, 50ms, 95ms, 162500us, 263750us, 415625us, 615625us, 815625us}));
  EXPECT_EQ(cadence.due(), kBegin + 1s) << "counted checks stay an interval apart";

  Cadence other(every(1s), kBegin, 1, true);
  other.advance(kBegin, false);
  other.advance(kBegin + 20ms, true);
  EXPECT_EQ(other.due(), kBegin + 1s);
}

TEST(Cadence, EndsEarlyChecksAfterAWhile) {
  Cadence cadence(every(100s), kBegin, 1, true);
  int checks = 0;
  for (; cadence.due() < kBegin + 100s; ++checks) cadence.advance(cadence.due(), false);
  EXPECT_GT(checks, 140);
  EXPECT_LT(checks, 160);
}

TEST(Cadence, NeverSpins) {
  Cadence cadence(every(0s), kBegin, 0, false);
  cadence.advance(kBegin, false);
  EXPECT_GT(cadence.due(), kBegin);
}

TEST(Phase, SpreadsManyServicesEvenly) {
  std::array<int, 10> buckets{};
  for (int i = 0; i < 1000; ++i) {
    const double phase = phase_of("service-" + std::to_string(i), 0, ProbeKind::kLiveness);
    ASSERT_GE(phase, 0);
    ASSERT_LT(phase, 1);
    ++buckets[static_cast<size_t>(phase * 10)];
  }
  for (const int n : buckets) {
    EXPECT_GT(n, 60);
    EXPECT_LT(n, 140);
  }
  EXPECT_EQ(phase_of("web", 1, ProbeKind::kLiveness), phase_of("web", 1, ProbeKind::kLiveness));
  EXPECT_NE(phase_of("web", 1, ProbeKind::kLiveness), phase_of("web", 2, ProbeKind::kLiveness));
}

TEST(Phase, KeepsAThousandProbesApart) {
  std::vector<Cadence> cadences;
  for (int i = 0; i < 1000; ++i) {
    cadences.emplace_back(every(10s), kBegin, phase_of("s" + std::to_string(i), 0, ProbeKind::kReadiness),
                          false);
    cadences.back().advance(kBegin, true);
  }
  // In the steady state no 100 ms have more than a few of the 1,000.
  std::map<std::int64_t, int> per_slot;
  for (const auto& cadence : cadences) ++per_slot[(cadence.due() - kBegin) / 100ms];
  for (const auto& [slot, count] : per_slot) EXPECT_LT(count, 60) << slot;
}

}  // namespace
}  // namespace holdfast::health
