// HOLDFAST_SIMULATION_SEED=<seed> repeats one simulation.
#include "tests/property/simulation/simulation.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/sanitized.h"

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

// Sanitizers look for faults within a step: for them a small world will do.
constexpr int kServices = kSanitized ? 100 : 500;
constexpr int kRounds = kSanitized ? 2 : 6;

std::string first_of(const std::vector<std::string>& faults) {
  std::string out;
  for (size_t i = 0; i < faults.size() && i < 10; ++i) out += faults[i] + "\n";
  return out;
}

TEST(Simulation, ServicesComeToRestAfterEveryStorm) {
  const std::uint64_t seed = number_from_env("HOLDFAST_SIMULATION_SEED", 1);
  Simulation simulation(seed, kServices);
  for (int round = 0; round < kRounds; ++round) {
    simulation.storm(5h);
    simulation.quiet();
    ASSERT_TRUE(simulation.faults().empty())
        << "HOLDFAST_SIMULATION_SEED=" << seed << ", round " << round << ":\n"
        << first_of(simulation.faults());
  }
  EXPECT_GE(simulation.simulated(), kRounds * 8h);
  RecordProperty("summary", simulation.summary());
}

}  // namespace
}  // namespace holdfast::test
