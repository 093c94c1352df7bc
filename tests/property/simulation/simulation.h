// A whole controller (manager, planner, queue, state on disk) over programs in memory, on a simulated clock:
// days pass in seconds. Storms of crashes, edits, operators and failing runtimes alternate with quiet
// periods, after which everything must be as declared.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/base/event_loop.h"
#include "controller/reconciler/manager.h"
#include "runtimes/decorators.h"
#include "runtimes/fake/fake_runtime.h"
#include "tests/fakes/faulty_runtime.h"
#include "tests/support/random.h"
#include "tests/support/support.h"

namespace holdfast::test {

// What was asked for, kept apart from the controller.
struct Declared {
  bool declared = true;
  bool removable = false;  // comes and goes with the file; the others get edits through the API
  Desired desired = Desired::kRunning, configured = Desired::kRunning;
  int replicas = 1;
  int version = 1;  // part of the command line: a new one replaces the instances
  std::string restart = "always";
  std::map<std::string, std::string> depends_on;  // name -> condition
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, int services);
  ~Simulation();

  void storm(Duration length);
  void quiet();  // everything works again; checks that it is as declared then

  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  [[nodiscard]] Duration simulated() const;
  [[nodiscard]] std::string summary() const;

 private:
  class Witness;  // a decorator that compares each start with what was asked for

  void boot();
  void load();
  void run_until(MonoTime end);
  void happen();
  void crash_something();
  void command_something();
  void edit_something();
  void edit_file();
  void edit_by_api();
  void trouble_runtime();
  void check(const std::string& name, const Declared& of);
  void check_running(const std::string& name, const Declared& of, const ServiceStatus& status);
  [[nodiscard]] bool held_back(const Declared& of) const;
  void check_counts();
  void expect(bool truth, const std::string& what);
  [[nodiscard]] std::string document() const;
  const std::string& any_service();
  fake::FakeScript script(bool wild);

  Random random_;
  TempDir dir_;
  SimClock clock_;
  EventLoop loop_;
  std::shared_ptr<fake::FakeRuntime> programs_;
  std::shared_ptr<FaultyRuntime> faulty_;
  std::shared_ptr<Witness> witness_;
  std::unique_ptr<reconciler::Manager> manager_;
  std::vector<std::string> names_;
  std::map<std::string, Declared> declared_;
  std::set<InstanceId> hidden_;
  std::map<std::string, std::uint64_t> restarts_seen_;
  MonoTime next_resync_;
  MonoTime began_;
  std::uint64_t steps_ = 0, crashes_ = 0, commands_ = 0, edits_ = 0, boots_ = 0;
  std::vector<std::string> faults_;
};

}  // namespace holdfast::test
