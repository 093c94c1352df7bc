// Generated histories. A failure prints its seed; HOLDFAST_PROPERTY_SEED=<seed> repeats that one and prints
// what happened in it, HOLDFAST_PROPERTY_RUNS=<n> runs more of them.
#include <cstdint>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "tests/property/planner/world.h"

namespace holdfast::planner {
namespace {

std::string text_of(const World& world, size_t lines) {
  std::string out;
  const auto& history = world.history();
  const size_t begin = history.size() > lines ? history.size() - lines : 0;
  for (size_t i = begin; i < history.size(); ++i) out += history[i] + "\n";
  return out;
}

void run_history(std::uint64_t seed, size_t lines) {
  World world(seed);
  world.live(60);
  if (world.faults().empty()) world.converge();
  if (lines > 1000) std::fputs(text_of(world, lines).c_str(), stderr);
  ASSERT_TRUE(world.faults().empty())
      << "HOLDFAST_PROPERTY_SEED=" << seed << ": " << world.faults().front() << "\n"
      << text_of(world, lines);
}

TEST(PlannerProperties, HoldInGeneratedHistories) {
  if (const std::uint64_t seed = test::number_from_env("HOLDFAST_PROPERTY_SEED", 0); seed != 0)
    return run_history(seed, 100'000);
  const std::uint64_t runs = test::number_from_env("HOLDFAST_PROPERTY_RUNS", 2000);
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    run_history(seed, 40);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace holdfast::planner
