// A service in a hostile world: the real planner drives the fake runtime while things happen to both, and
// every step is checked for what must never happen.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/planner/planner.h"
#include "runtimes/fake/fake_runtime.h"
#include "tests/support/random.h"
#include "tests/support/support.h"

namespace holdfast::planner {

class World {
 public:
  explicit World(std::uint64_t seed);

  void live(int events);  // so many things happen, each followed by a step of the loop or several
  // Everything works again: the loop must come to rest, with what is declared.
  void converge();
  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  [[nodiscard]] const std::vector<std::string>& history() const { return history_; }

 private:
  void happen();
  void happen_to_programs();
  void happen_to_intent();
  void happen_to_controller();
  void new_config();
  fake::FakeScript random_script();
  void run_loop(int steps);
  // One turn of the loop; false if nothing was done. `crash_after` actions the controller dies.
  bool step(int crash_after = -1);
  [[nodiscard]] PlanInput input(const Observation& observation) const;

  void check_fold(const RestartLedger& before, const std::vector<FoldNote>& notes);
  void check_plan(const PlanInput& input, const Plan& plan);
  void check_start(const PlanInput& input, const StartInstance& start);
  void check_kill(const PlanInput& input, const KillInstance& kill);
  void check_answer(const PlanInput& input, const Plan& plan, int ordinal);
  void check_disruption(const PlanInput& input, const Plan& plan);
  void check_rest();
  void expect(bool truth, const std::string& what);
  void log(const std::string& what);
  [[nodiscard]] SpecPtr spec() const;
  [[nodiscard]] bool wanted(int ordinal) const;

  test::Random random_;
  test::SimClock clock_;
  fake::FakeRuntime runtime_{clock_};
  Capabilities capabilities_;
  ServiceSpec config_;
  bool declared_ = true;
  Desired desired_ = Desired::kRunning;
  std::uint64_t nonce_ = 0;
  HealthView health_;
  DependencyView dependencies_;
  RestartLedger ledger_;
  // As of the last fold: what may explain that a backoff was reset.
  std::string folded_hash_;
  std::uint64_t folded_nonce_ = 0;
  std::map<int, Duration> last_delay_;
  std::vector<std::string> faults_, history_;
};

}  // namespace holdfast::planner
