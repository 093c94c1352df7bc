#include "tests/property/simulation/simulation.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include <gtest/gtest.h>

#include "controller/base/json.h"

namespace holdfast::test {

using namespace std::chrono_literals;

namespace {

constexpr Duration kResync = 30min;
const Actor kOperator{"operator", "127.0.0.1:1"};

}  // namespace

// No start may come for what nobody wants to run, whatever the loop believes at that moment.
class Simulation::Witness final : public RuntimeDecorator {
 public:
  Witness(std::shared_ptr<Runtime> inner, Simulation& simulation)
      : RuntimeDecorator(std::move(inner)), simulation_(simulation) {}
  Status execute(const Action& action, const ActionContext& context) override {
    if (const auto* start = std::get_if<StartInstance>(&action)) {
      const Declared& of = simulation_.declared_.at(start->id.service);
      simulation_.expect(of.declared && of.desired == Desired::kRunning && start->id.ordinal < of.replicas,
                         describe(action) + ", which nobody wants to run");
    }
    return RuntimeDecorator::execute(action, context);
  }

 private:
  Simulation& simulation_;
};

Simulation::Simulation(std::uint64_t seed, int services) : random_(seed), began_(clock_.now()) {
  programs_ = std::make_shared<fake::FakeRuntime>(clock_);
  faulty_ = std::make_shared<FaultyRuntime>(programs_, random_.next());
  witness_ = std::make_shared<Witness>(faulty_, *this);
  for (int i = 0; i < services; ++i) {
    const std::string name = "s" + std::to_string(i);
    Declared of;
    of.removable = i % 10 == 0;
    of.replicas = random_.one_in(4) ? random_.between(2, 4) : 1;
    if (random_.one_in(5)) of.restart = "on-failure";
    const int other = i > 0 ? random_.between(0, i - 1) : 0;
    if (other % 10 != 0 && random_.one_in(4))
      of.depends_on["s" + std::to_string(other)] = random_.one_in(2) ? "started" : "healthy";
    names_.push_back(name);
    declared_[name] = of;
  }
  next_resync_ = clock_.now() + kResync;
  boot();
}

Simulation::~Simulation() = default;

Duration Simulation::simulated() const {
  return clock_.now() - began_;
}

std::string Simulation::summary() const {
  return std::to_string(std::chrono::duration_cast<std::chrono::hours>(simulated()).count()) + " h, " +
         std::to_string(steps_) + " steps, " + std::to_string(crashes_) + " crashes, " +
         std::to_string(commands_) + " commands, " + std::to_string(edits_) + " edits, " +
         std::to_string(boots_) + " controllers, " + std::to_string(faulty_->failures()) + " failed calls, " +
         std::to_string(programs_->counters().starts) + " starts, " +
         std::to_string(programs_->counters().kills) + " kills";
}

void Simulation::expect(bool truth, const std::string& what) {
  if (truth) return;
  const auto at = std::chrono::duration<double>(simulated()).count();
  faults_.push_back("after " + std::to_string(at) + " s: " + what);
}

// ---- the controller

// A controller that begins with what the last one left on disk.
void Simulation::boot() {
  manager_.reset();
  ++boots_;
  auto store = state::Store::open(dir_.path(), clock_);
  auto edits = state::EditStore::open(dir_.path(), clock_);
  ASSERT_TRUE(store && edits);
  manager_ = std::make_unique<reconciler::Manager>(
      reconciler::Manager::Parts{.loop = loop_,
                                 .clock = clock_,
                                 .store = std::move(*store),
                                 .edits = std::move(*edits),
                                 .runtimes = {witness_},
                                 .prober = nullptr,
                                 .usage = {},
                                 .collected = {},
                                 .on_config = {}},
      reconciler::ManagerOptions{.state_dir = dir_.path(), .seed = random_.next()});
  load();
}

std::string Simulation::document() const {
  Json services = Json::object();
  for (const auto& [name, of] : declared_) {
    if (!of.declared) continue;
    // What the API edits is left to it: a lower layer would not be heard.
    Json service = Json::object({{"command", Json::array({"program"})},
                                 {"restart", Json::object({{"policy", of.restart}})},
                                 {"stop", Json::object({{"gracePeriod", "20s"}})}});
    if (of.removable) {
      service.set("args", Json::array({std::to_string(of.version)}));
      service.set("replicas", of.replicas);
    }
    Json depends = Json::object();
    for (const auto& [other, condition] : of.depends_on) depends.set(other, condition);
    service.set("dependsOn", std::move(depends));
    services.set(name, std::move(service));
  }
  return dump_json(Json::object({{"apiVersion", "holdfast/v1"},
                                 {"controller", Json::object({{"allowEmpty", true}})},
                                 {"services", std::move(services)}}));
}

void Simulation::load() {
  const auto errors = manager_->reload({{"base", "/etc/holdfast.json", document()}});
  expect(errors.empty(), errors.empty() ? "" : "the configuration is refused: " + describe(errors[0]));
  if (boots_ > 1) return;
  Json services = Json::object();
  for (const auto& [name, of] : declared_)
    if (!of.removable) services.set(name, Json::object({{"replicas", of.replicas}}));
  const auto change = manager_->patch_config(Json::object({{"services", services}}), std::nullopt, kOperator);
  expect(change.has_value(), change ? "" : "the edit is refused: " + change.error().message);
}

void Simulation::run_until(MonoTime end) {
  while (faults_.empty()) {
    while (manager_->work_one()) ++steps_;
    MonoTime next = std::min(end, next_resync_);
    if (const auto due = manager_->next_due()) next = std::min(next, *due);
    if (const auto transition = programs_->next_transition()) next = std::min(next, *transition);
    if (next > clock_.now()) clock_.advance_to(next);
    programs_->tick();
    if (clock_.now() >= next_resync_) {
      manager_->resync();
      next_resync_ += kResync;
    }
    if (clock_.now() >= end && manager_->next_due().value_or(MonoTime::max()) > end) break;
  }
  for (const auto& violation : programs_->violations()) expect(false, violation);
}

// ---- what happens

const std::string& Simulation::any_service() {
  return names_[static_cast<size_t>(random_.between(0, static_cast<int>(names_.size()) - 1))];
}

fake::FakeScript Simulation::script(bool wild) {
  fake::FakeScript out;
  out.stop_exit = ExitRecord{.code = 0, .signal = {}, .reason = "exit code 0"};
  out.startup = random_.span(1ms, 2s);
  if (!wild) return out;
  if (random_.one_in(4)) out.run_for = random_.span(10ms, 1h);
  out.exit.code = random_.one_in(4) ? 0 : random_.between(1, 200);
  out.exit.reason = "exit code " + std::to_string(*out.exit.code);
  if (random_.one_in(3)) out.stop_after = random_.span(1ms, 1min);
  if (random_.one_in(12)) out.stop_after.reset();
  if (random_.one_in(30)) out.cannot_execute = "cannot execute program: no such file";
  return out;
}

void Simulation::storm(Duration length) {
  const MonoTime end = clock_.now() + length;
  for (const std::string& name : names_) programs_->script(name, script(random_.one_in(3)));
  while (clock_.now() < end && faults_.empty()) {
    happen();
    run_until(std::min(end, clock_.now() + random_.span(10ms, 4min)));
  }
}

void Simulation::happen() {
  const int dice = random_.between(1, 1000);
  if (dice <= 700) return crash_something();
  if (dice <= 900) return command_something();
  if (dice <= 994) return trouble_runtime();
  if (dice <= 998) return edit_something();
  boot();
}

void Simulation::crash_something() {
  const int together = random_.one_in(50) ? 100 : 1;  // now and then a machine's memory runs out
  for (int i = 0; i < together; ++i) {
    ++crashes_;
    const InstanceId id{any_service(), random_.between(0, 1)};
    const Declared& of = declared_[id.service];
    // Of what is gone without a trace nobody could tell whether it had completed, or had been before.
    if (!of.removable && of.restart == "always" && random_.one_in(20)) {
      programs_->vanish(id);
    } else if (random_.one_in(5)) {
      programs_->crash(id,
                       ExitRecord{.code = {}, .signal = 9, .oom_killed = true, .reason = "out of memory"});
    } else {
      programs_->crash(id);
    }
  }
}

void Simulation::command_something() {
  const std::string& name = any_service();
  Declared& of = declared_[name];
  const auto verb = static_cast<Verb>(random_.between(0, 2));
  const auto done = manager_->command(name, verb, kOperator);
  ++commands_;
  if (!of.declared) return expect(!done, "a command to " + name + " is taken though it is not declared");
  expect(done.has_value(), done ? "" : "a command is refused: " + done.error().message);
  of.desired = verb == Verb::kStop ? Desired::kStopped : Desired::kRunning;
}

void Simulation::edit_something() {
  ++edits_;
  if (random_.one_in(2)) return edit_file();
  edit_by_api();
}

void Simulation::edit_file() {
  for (auto& [name, of] : declared_) {
    if (!of.removable || !random_.one_in(5)) continue;
    switch (random_.between(0, 2)) {
      case 0:
        of.declared = !of.declared;
        if (of.declared && manager_->service(name) == nullptr) programs_->forget(name);
        // With a service its intent is forgotten, once nothing of it runs; a start in between is one of the
        // old.
        if (of.declared && of.desired == Desired::kStopped) of.declared = false;
        break;
      case 1:
        ++of.version;
        break;
      default:
        of.replicas = random_.between(1, 4);
    }
  }
  load();
}

void Simulation::edit_by_api() {
  Json services = Json::object();
  for (int i = 0; i < 10; ++i) {
    const std::string& name = any_service();
    Declared& of = declared_[name];
    if (of.removable || services.find(name) != nullptr) continue;
    Json edit = Json::object();
    if (random_.one_in(2)) edit.set("args", Json::array({std::to_string(++of.version)}));
    if (random_.one_in(2)) edit.set("replicas", of.replicas = random_.between(0, 4));
    if (random_.one_in(4)) {
      const Desired desired = random_.one_in(2) ? Desired::kStopped : Desired::kRunning;
      edit.set("desired", std::string(to_string(desired)));
      // A new word in the configuration outweighs what an operator said before; the old one repeated doesn't.
      if (desired != of.configured) of.desired = desired;
      of.configured = desired;
    }
    services.set(name, std::move(edit));
  }
  const auto change = manager_->patch_config(Json::object({{"services", services}}), std::nullopt, kOperator);
  expect(change.has_value(), change ? "" : "an edit is refused: " + change.error().message);
}

void Simulation::trouble_runtime() {
  switch (random_.between(0, 3)) {
    case 0:
      return faulty_->fail_one_in(random_.one_in(12) ? 1 : random_.between(5, 50));
    case 1:
      return faulty_->fail_one_in(0);
    case 2: {
      const InstanceId id{any_service(), random_.between(0, 2)};
      hidden_.insert(id);
      return programs_->set_unknown(id, true);
    }
    default:
      if (hidden_.empty()) return;
      programs_->set_unknown(*hidden_.begin(), false);
      hidden_.erase(hidden_.begin());
  }
}

// ---- what must be true

void Simulation::quiet() {
  faulty_->fail_one_in(0);
  for (const InstanceId& id : hidden_) programs_->set_unknown(id, false);
  hidden_.clear();
  for (const std::string& name : names_) programs_->script(name, script(false));
  // Programs that run on by their old script may still exit for an hour, and back off after that.
  run_until(clock_.now() + 2h);
  for (const std::string& name : names_) {
    const auto status = manager_->service(name);
    const bool gave_up = status && (status->phase == "Failed" || status->phase == "Completed");
    if (!gave_up || !declared_[name].declared) continue;
    expect(manager_->command(name, Verb::kStart, kOperator).has_value(), name + " can't be started again");
    declared_[name].desired = Desired::kRunning;
  }
  run_until(clock_.now() + 30min);
  for (const auto& [name, of] : declared_) check(name, of);
  check_counts();
  const auto starts = programs_->counters().starts;
  const auto signals = programs_->counters().signals;
  run_until(clock_.now() + 1h);
  expect(programs_->counters().starts == starts && programs_->counters().signals == signals,
         "something is started or stopped though all is quiet");
}

// Its start is held back because something it depends on doesn't run, for the same reason or by intent.
bool Simulation::held_back(const Declared& of) const {
  return std::any_of(of.depends_on.begin(), of.depends_on.end(), [&](const auto& edge) {
    const Declared& other = declared_.at(edge.first);
    return other.desired == Desired::kStopped || other.replicas == 0 || held_back(other);
  });
}

void Simulation::check(const std::string& name, const Declared& of) {
  const auto status = manager_->service(name);
  if (!of.declared) {
    expect(status == nullptr, name + " is not declared and still there");
    return expect(programs_->observe(name)->instances.empty(), name + " is not declared and still runs");
  }
  if (status == nullptr) return expect(false, name + " has no status");
  expect(status->desired == of.desired, name + ": the desired state got lost");
  expect(status->spec->replicas == of.replicas, name + ": an edit got lost");
  check_running(name, of, *status);
}

void Simulation::check_running(const std::string& name, const Declared& of, const ServiceStatus& status) {
  const auto observation = programs_->observe(name);
  std::map<int, int> live;
  size_t completed = 0;
  for (const ObservedInstance& run : observation->instances) {
    if (run.phase == Phase::kExited) {
      completed += of.restart == "on-failure" && run.exit && run.exit->clean() ? 1 : 0;
      continue;
    }
    ++live[run.id.ordinal];
    expect(run.phase == Phase::kRunning, name + " has a run that is " + std::string(to_string(run.phase)));
    expect(held_back(of) || run.spec_hash == status.spec->spec_hash, name + " runs an earlier configuration");
  }
  if (of.desired == Desired::kStopped) {
    expect(live.empty(), name + " is to be stopped and runs");
    return expect(status.phase == "Stopped" && status.settled,
                  name + " is to be stopped and is " + status.phase);
  }
  for (const auto& [ordinal, count] : live)
    expect(count == 1 && ordinal < of.replicas,
           name + "/" + std::to_string(ordinal) + " runs " + std::to_string(count) + " times");
  if (held_back(of) && (status.phase == "Waiting" || !status.settled)) return;
  expect(live.size() + completed == static_cast<size_t>(of.replicas),
         name + " has " + std::to_string(live.size()) + " of " + std::to_string(of.replicas) +
             " instances and is " + status.phase);
  const std::string expected = of.replicas == 0 ? "Stopped" : "Running";
  expect(
      status.phase == expected && status.settled,
      name + " should be " + expected + " and is " + status.phase + (status.settled ? "" : ", not settled"));
}

// Controllers come and go; what they counted stays.
void Simulation::check_counts() {
  for (const auto& status : manager_->services()) {
    const std::string& name = status->spec->name;
    auto& seen = restarts_seen_[name];
    expect(declared_[name].removable || status->restarts >= seen, name + ": restarts got lost");
    seen = status->restarts;
  }
}

}  // namespace holdfast::test
