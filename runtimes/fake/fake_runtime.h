// A runtime in memory that keeps the contract of runtimes/runtime.h: for tests of everything above it, and
// for measuring the loop without a kernel in the way. What its "programs" do is scripted; time comes from a
// Clock.
//
//   start --(startup)--> Running --(run_for)--> Exited
//                           | signal
//                        Stopping --(stop_after, if it heeds the signal)--> Exited
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/base/clock.h"
#include "runtimes/runtime.h"

namespace holdfast::fake {

// What the program of a service does from its next start on.
struct FakeScript {
  Duration startup{0};                // Starting for so long, then Running
  std::optional<Duration> run_for{};  // then exits with `exit`, counted from the start; nullopt: runs on
  ExitRecord exit{.code = 0, .signal = {}, .reason = "exit code 0"};
  std::optional<Duration> stop_after = Duration{0};  // after the stop signal; nullopt: ignores it
  std::optional<ExitRecord> stop_exit{};             // nullopt: killed by the stop signal
  std::optional<std::string> cannot_execute{};       // exits at once, with start_failed and this reason
};

// Thread-safe. Exits and transitions that a script sets for later happen when time has passed them and
// someone looks (observe, execute, tick); only tick() tells the on_change sink about them.
class FakeRuntime final : public Runtime {
 public:
  enum class Call { kValidate, kObserve, kExecute, kListOwned };
  // Consulted before each call; an error is returned instead of doing it. `service` is empty for kListOwned.
  using Fault = std::function<std::optional<Error>(Call, const std::string& service)>;
  // How an execute fails: before it took effect, or (as lost answers do) after it.
  enum class FaultPoint { kBefore, kAfter };

  explicit FakeRuntime(const Clock& clock, RuntimeKind kind = RuntimeKind::kProcess,
                       Capabilities capabilities = default_capabilities());
  ~FakeRuntime() override;
  static Capabilities default_capabilities();

  // ---- the contract
  [[nodiscard]] RuntimeKind kind() const override { return kind_; }
  [[nodiscard]] Capabilities capabilities() const override { return capabilities_; }
  [[nodiscard]] Availability availability() const override;
  Status validate(const ServiceSpec& spec) override;
  Result<Preparation> prepare(const ActionContext& context) override;
  Result<Observation> observe(const std::string& service) override;
  Result<std::vector<std::string>> list_owned() override;
  Status execute(const Action& action, const ActionContext& context) override;
  void on_change(std::function<void(const std::string& service)> sink) override;
  void on_availability(const std::function<void()>& sink) override;
  std::vector<ResourceUsage> usage(const std::vector<ObservedInstance>& instances) override;
  LogReader* logs() override;

  // ---- controls
  void script(const std::string& service, FakeScript script);
  // Ends the newest live run of the instance as if by itself; false if there is none.
  bool crash(const InstanceId& id,
             ExitRecord exit = {.code = {}, .signal = 9, .reason = "killed by signal 9 (KILL)"});
  // While true, observe() shows the instance's live runs as Unknown.
  void set_unknown(const InstanceId& id, bool unknown);
  // While it isn't available every look and action is kUnavailable with its message; what runs goes on.
  void set_availability(Availability availability);
  // What starts of the service wait for; empty: nothing. An error: it can't be had.
  void set_preparation(const std::string& service, Result<Preparation> preparation);
  void set_notify_ready(const InstanceId& id, bool ready);
  // Forgets an instance without a trace, as if someone had removed it behind the controller's back.
  void vanish(const InstanceId& id);
  // The controller has forgotten the service, of which nothing was left: its incarnations may begin anew.
  void forget(const std::string& service);
  // Of a workload that was applied: what somebody else made of it, or the runtime did.
  void edit_workload(const std::string& service, const std::function<void(ObservedWorkload&)>& edit);
  // A second live run of an ordinal, as after a fault of a runtime.
  void plant(ObservedInstance instance);
  void set_fault(Fault fault, FaultPoint point = FaultPoint::kBefore);  // nullptr: none
  void write_log(const InstanceId& id, std::string stream, std::string text);

  // Lets time pass for every instance, and tells the sink which services changed. Call it after moving a
  // simulated clock.
  void tick();
  [[nodiscard]] std::optional<MonoTime> next_transition() const;  // when a tick() would change something

  // ---- what happened
  struct Counters {
    std::uint64_t observes = 0, starts = 0, signals = 0, kills = 0, removals = 0, workload_actions = 0;
  };
  [[nodiscard]] Counters counters() const;
  // Broken promises of the loop that were seen, one sentence each: a second live run of one ordinal, a start
  // of an incarnation that has been before, a KILL before the grace period was over.
  [[nodiscard]] std::vector<std::string> violations() const;

 private:
  struct Run {
    ObservedInstance seen;
    FakeScript script;
    std::optional<MonoTime> running_at, exits_at;
    ExitRecord exit_then;
    int stop_signal = 15;
  };
  struct Service {
    std::vector<Run> runs;  // by ordinal, then incarnation
    std::optional<ObservedWorkload> workload;
    SpecPtr applied, stable;             // of the workload
    std::map<int, std::uint64_t> shown;  // the highest incarnation that observe() has told of
    std::set<int> unknown;
    FakeScript script;
    std::deque<LogLine> logs;
  };
  class Logs;

  // All with the lock held.
  Status act(const StartInstance& action, const ActionContext& context);
  Status act(const SignalInstance& action, const ActionContext& context);
  Status act(const KillInstance& action, const ActionContext& context);
  Status act(const RemoveInstance& action, const ActionContext& context);
  Status act(const ApplyWorkload& action, const ActionContext& context);
  Status act(const ScaleWorkload& action, const ActionContext& context);
  Status act(const RevertWorkload& action, const ActionContext& context);
  Status act(const DeleteWorkload& action, const ActionContext& context);
  void roll_out(const std::string& name, const SpecPtr& spec, std::uint64_t restart_nonce);
  Run* find(const InstanceId& id, std::uint64_t incarnation);
  Run* live(const InstanceId& id);  // the newest
  static void settle(Run& run, MonoTime now, WallTime wall);
  void settle(Service& service);
  Run& add(Service& service, Run run);
  void launch(Service& service, const InstanceId& id, std::uint64_t incarnation,
              const ActionContext& context);
  void signal(Run& run);
  void finish(Run& run, ExitRecord exit);
  void expect(const Run& run);  // notes its next transition
  [[nodiscard]] std::optional<Error> fault(Call call, const std::string& service, FaultPoint point) const;
  [[nodiscard]] std::vector<std::string> names() const;
  void tell(const std::string& service);  // without the lock

  const Clock& clock_;
  const RuntimeKind kind_;
  const Capabilities capabilities_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Service> services_;
  using Transition = std::pair<MonoTime, std::string>;
  std::priority_queue<Transition, std::vector<Transition>, std::greater<>> transitions_;
  std::function<void(const std::string&)> sink_;
  std::function<void()> availability_sink_;
  Availability availability_;
  std::map<std::string, Result<Preparation>> preparations_;
  Fault fault_;
  FaultPoint fault_point_ = FaultPoint::kBefore;
  std::unique_ptr<Logs> logs_;
  Counters counters_;
  std::vector<std::string> violations_;
  std::int64_t last_pid_ = 1000;
};

}  // namespace holdfast::fake
