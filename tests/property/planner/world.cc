#include "tests/property/planner/world.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace holdfast::planner {

using namespace std::chrono_literals;

World::World(std::uint64_t seed) : random_(seed) {
  config_.name = "web";
  config_.argv = {"web"};
  config_.restart.mode = random_.one_in(3)   ? RestartMode::kOnFailure
                         : random_.one_in(6) ? RestartMode::kNever
                                             : RestartMode::kAlways;
  new_config();
}

SpecPtr World::spec() const {
  return declared_ ? std::make_shared<const ServiceSpec>(config_) : nullptr;
}

bool World::wanted(int ordinal) const {
  return declared_ && desired_ == Desired::kRunning && ordinal < config_.replicas;
}

void World::log(const std::string& what) {
  history_.push_back(std::to_string(std::chrono::duration<double>(clock_.now().time_since_epoch()).count()) +
                     " " + what);
}

void World::expect(bool truth, const std::string& what) {
  if (truth) return;
  log("FAULT " + what);
  faults_.push_back(what);
}

// ---- what happens

void World::live(int events) {
  for (int i = 0; i < events && faults_.empty(); ++i) {
    happen();
    clock_.advance(random_.span(1ms, 2h));
    run_loop(random_.between(0, 4));
  }
}

void World::happen() {
  switch (random_.between(0, 3)) {
    case 0:
    case 1:
      return happen_to_programs();
    case 2:
      return happen_to_intent();
    default:
      return happen_to_controller();
  }
}

fake::FakeScript World::random_script() {
  fake::FakeScript script;
  if (random_.one_in(2)) script.startup = random_.span(1ms, 5min);
  if (random_.one_in(2)) script.run_for = random_.span(1ms, 3h);
  script.exit.code = random_.one_in(3) ? 0 : random_.between(1, 255);
  if (random_.one_in(3)) script.stop_after = random_.span(1ms, 10min);
  if (random_.one_in(6)) script.stop_after.reset();
  if (random_.one_in(10)) script.cannot_execute = "cannot execute web: no such file";
  return script;
}

void World::happen_to_programs() {
  const InstanceId id{"web", random_.between(0, 3)};
  const std::string name = "web/" + std::to_string(id.ordinal);
  switch (random_.between(0, 7)) {
    case 0:
      log("script");
      return runtime_.script("web", random_script());
    case 1:
      log("unknown " + name);
      return runtime_.set_unknown(id, true);
    case 2:
      log("known " + name);
      return runtime_.set_unknown(id, false);
    case 3:
      log("vanish " + name);
      return runtime_.vanish(id);
    case 4: {
      const auto known = ledger_.ordinals.find(id.ordinal);
      const std::uint64_t incarnation = known == ledger_.ordinals.end() ? 1 : known->second.incarnation;
      log("probe of " + name);
      auto& health = health_[{id.ordinal, incarnation}];
      health.state = HealthState::kUnhealthy;
      health.ready = random_.one_in(2);
      health.liveness_failed = random_.one_in(2);
      health.startup_failed = random_.one_in(4);
      return;
    }
    default:
      log("crash " + name);
      if (random_.one_in(4)) {
        runtime_.crash(id, ExitRecord{.code = 0, .signal = {}, .reason = "exit code 0", .at = {}});
      } else {
        runtime_.crash(id);
      }
  }
}

void World::new_config() {
  config_.spec_hash = "hash" + std::to_string(++config_.generation);
  auto& restart = config_.restart;
  restart.backoff.initial = random_.one_in(2) ? 0s : random_.span(1ms, 10s);
  restart.backoff.base = random_.span(1ms, 10s);
  restart.backoff.factor = 1 + random_.between(0, 30) / 10.0;
  restart.backoff.max = random_.span(1s, 10min);
  restart.backoff.jitter = random_.between(0, 10) / 10.0;
  restart.backoff.reset_after = random_.span(1s, 30min);
  restart.budget_attempts = random_.one_in(4) ? 0 : random_.between(1, 10);
  restart.budget_window = random_.span(10s, 2h);
  config_.stop.grace_period = random_.span(1ms, 5min);
}

void World::happen_to_intent() {
  switch (random_.between(0, 7)) {
    case 0:
      log("stop");
      desired_ = Desired::kStopped;
      return;
    case 1:
    case 2:
      log("start");
      if (desired_ == Desired::kStopped) ++nonce_;
      desired_ = Desired::kRunning;
      return;
    case 3:
      log("restart");
      ++nonce_;
      return;
    case 4:
      config_.replicas = random_.between(0, 4);
      log("replicas " + std::to_string(config_.replicas));
      return;
    case 5:
      new_config();
      log("config " + config_.spec_hash);
      return;
    case 6:
      declared_ = random_.one_in(3) ? false : true;
      log(declared_ ? "declared" : "undeclared");
      return;
    default:
      dependencies_.unmet.clear();
      dependencies_.dependents_up.clear();
      if (random_.one_in(3)) dependencies_.unmet = {"database: waiting to be healthy"};
      if (random_.one_in(3)) dependencies_.dependents_up = {"proxy"};
      log("dependencies");
  }
}

void World::happen_to_controller() {
  const int kind = random_.between(0, 3);
  if (kind == 0) {
    log("controller dies");
    step(random_.between(0, 2));
    return;
  }
  if (kind == 1) {
    log("wall clock jumps");
    return clock_.set_wall(clock_.wall() + (random_.one_in(2) ? 24h : -24h));
  }
  if (kind == 2) {
    log("runtime is well");
    return runtime_.set_fault(nullptr);
  }
  log("runtime fails at times");
  const std::uint64_t seed = random_.next();
  runtime_.set_fault(
      [random = test::Random(seed)](fake::FakeRuntime::Call,
                                    const std::string&) mutable -> std::optional<Error> {
        if (!random.one_in(3)) return std::nullopt;
        return Error{ErrorCode::kUnavailable, "no answer", {}, false, {}};
      },
      random_.one_in(2) ? fake::FakeRuntime::FaultPoint::kBefore : fake::FakeRuntime::FaultPoint::kAfter);
}

// ---- the loop

PlanInput World::input(const Observation& observation) const {
  return PlanInput{.spec = spec(),
                   .service = "web",
                   .desired = desired_,
                   .restart_nonce = nonce_,
                   .observation = &observation,
                   .ledger = &ledger_,
                   .health = &health_,
                   .capabilities = &capabilities_,
                   .dependencies = dependencies_,
                   .now = clock_.now(),
                   .last_stop = config_.stop};
}

void World::run_loop(int steps) {
  for (int i = 0; i < steps && faults_.empty(); ++i)
    if (!step()) clock_.advance(random_.span(1ms, 1min));
}

bool World::step(int crash_after) {
  const auto observation = runtime_.observe("web");
  if (!observation) return false;
  const RestartLedger before = ledger_;
  std::vector<FoldNote> notes;
  const bool changed = fold_into(ledger_,
                                 FoldInput{.spec = spec(),
                                           .service = "web",
                                           .desired = desired_,
                                           .restart_nonce = nonce_,
                                           .observation = &*observation,
                                           .capabilities = &capabilities_,
                                           .now = clock_.now(),
                                           .wall = clock_.wall()},
                                 &notes);
  expect(changed || ledger_ == before, "fold changed the ledger and did not say so");
  check_fold(before, notes);
  const PlanInput in = input(*observation);
  const Plan decided = plan(in);
  check_plan(in, decided);
  for (const Action& action : decided.actions) {
    if (crash_after-- == 0) return true;
    note_action(ledger_, action, clock_.now());
    if (crash_after-- == 0) return true;
    log(describe(action));
    const auto done = runtime_.execute(action, ActionContext{in.spec, nonce_});
    if (!done) {
      log("  " + done.error().message);
      break;
    }
  }
  for (const std::string& violation : runtime_.violations()) expect(false, violation);
  return !decided.actions.empty();
}

void World::converge() {
  log("everything works again");
  runtime_.set_fault(nullptr);
  fake::FakeScript script;
  script.stop_exit = ExitRecord{.code = 0, .signal = {}, .reason = "exit code 0", .at = {}};
  runtime_.script("web", script);
  for (int ordinal = 0; ordinal < 8; ++ordinal) runtime_.set_unknown({"web", ordinal}, false);
  dependencies_ = {};
  int idle = 0;
  for (int i = 0; i < 1000 && faults_.empty(); ++i) {
    health_.clear();
    if (step()) continue;
    const auto observation = runtime_.observe("web");
    const PlanInput in = input(*observation);
    const Plan decided = plan(in);
    // A program of before may still exit by its old script: it gets a day, then must have been replaced.
    const bool rest = settled(in, decided) && !runtime_.next_transition();
    if (rest && ++idle > 3) return check_rest();
    const auto transition = runtime_.next_transition();
    MonoTime next = clock_.now() + 1h;
    if (decided.next_check) next = std::min(next, *decided.next_check);
    if (transition) next = std::min(next, *transition);
    clock_.advance_to(std::max(next, clock_.now()));
    runtime_.tick();
  }
  expect(false, "did not come to rest");
}

}  // namespace holdfast::planner
