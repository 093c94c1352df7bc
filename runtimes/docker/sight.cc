#include "runtimes/docker/sight.h"

#include <algorithm>
#include <cstring>

namespace holdfast::docker {

namespace {

constexpr int kSignalBase = 128, kMaxSignal = 64;

// A start that the record doesn't know of: a person, or the restart policy of an adopted container. Or that
// one was made anew, and the next start will be another run's.
void count_foreign_start(RunRecord& record, const Container& container) {
  record.previous = 0;
  ++record.incarnation;
  record.before.clear();
  record.started.clear();
  record.stopping_since.reset();
  record.start_error.clear();
  record.forgotten = false;
  record.container = container.id;
}

void note_start(RunRecord& record, const Container& container, const Moment& now) {
  record.started = container.started_at;
  record.start_error.clear();
  record.boot = now.boot;
  const auto wall = parse_rfc3339(container.started_at).value_or(now.wall);
  record.started_mono = now.mono - std::max(Duration{0}, Duration{now.wall - wall});
}

std::string not_serving(const Container& container) {
  if (container.status == "paused") return "it is paused; to go on: docker unpause " + container.name;
  if (container.status == "removing") return "somebody is removing its container";
  std::string text = "the image's health check: " + container.health;
  return container.health_message.empty() ? text : text + ": " + container.health_message;
}

void describe_live(ObservedInstance& out, const RunRecord& record, const Container& container) {
  out.pid = container.pid;
  out.phase = Phase::kRunning;
  // What is removed by others is lost, not stopped: nobody asked for that here.
  if (container.status == "paused" || container.status == "removing" ||
      (!container.health.empty() && container.health != "healthy")) {
    out.runtime_ready = false;
    out.message = not_serving(container);
  } else if (!container.health.empty()) {
    out.runtime_ready = true;
  }
  if (container.status == "restarting") {
    out.phase = Phase::kStarting;
    out.message = "its own restart policy is starting it again";
  }
  if (!record.stopping_since) return;
  out.phase = Phase::kStopping;
  out.stopping_since = record.stopping_since;
}

ObservedInstance describe_run(const RunRecord& record, const InstanceId& id) {
  ObservedInstance out;
  out.id = id;
  out.incarnation = record.incarnation;
  out.restart_nonce = record.restart_nonce;
  out.spec_hash = record.spec_hash;
  out.started_at = record.started_mono;
  out.started_wall = parse_rfc3339(record.started);
  return out;
}

// The container has not been started since the record was made.
Sight look_at_unstarted(RunRecord& record, const Container& container, const InstanceId& id,
                        const Moment& now) {
  if (record.forgotten || record.incarnation == 0) return {};  // 0: nobody asked for a run yet
  // What an engine that was being stopped left as an error is no word on the container.
  if (record.start_error.empty() && !tells_of_shutdown(container.error)) record.start_error = container.error;
  auto out = describe_run(record, id);
  out.phase = Phase::kExited;
  if (!record.start_error.empty()) {
    out.exit = ExitRecord{
        .code = {}, .start_failed = true, .reason = "cannot start: " + record.start_error, .at = now.wall};
    if (const auto finished = parse_rfc3339(container.finished_at)) out.exit->at = *finished;
    return {.instance = std::move(out)};
  }
  if (record.previous == 0 || record.before.empty()) return {};
  out.incarnation = record.previous;
  out.started_at.reset();
  out.started_wall = parse_rfc3339(record.before);
  out.exit = exit_of(container);
  return {.instance = std::move(out)};
}

}  // namespace

ExitRecord exit_of(const Container& container) {
  ExitRecord exit{.code = container.exit_code};
  exit.reason = "exit code " + std::to_string(container.exit_code);
  if (container.exit_code > kSignalBase && container.exit_code <= kSignalBase + kMaxSignal) {
    const int signal = container.exit_code - kSignalBase;
    exit.code.reset();
    exit.signal = signal;
    exit.reason = "killed by signal " + std::to_string(signal);
    if (const char* name = sigabbrev_np(signal)) exit.reason += " (" + std::string(name) + ")";
  }
  // The engine tells of any process of the container that ran out of memory, also if the main one did not.
  exit.oom_killed = container.oom_killed && container.exit_code != 0;
  if (exit.oom_killed) exit.reason += ", out of memory";
  exit.at = parse_rfc3339(container.finished_at).value_or(WallTime{});
  return exit;
}

Sight look(RunRecord& record, const Container& container, const InstanceId& id, const Moment& now) {
  Sight sight;
  if (!record.started.empty() && container.started_at != record.started) {
    count_foreign_start(record, container);
    sight.started_by_others = !container.started_at.empty();
  }
  if (record.started.empty() && container.started_at == record.before && !container.alive())
    return look_at_unstarted(record, container, id, now);
  if (record.started.empty() && !container.started_at.empty()) note_start(record, container, now);
  if (record.forgotten) {
    if (!container.alive()) return sight;
    record.forgotten = false;
  }
  auto out = describe_run(record, id);
  if (container.alive()) {
    describe_live(out, record, container);
  } else {
    record.stopping_since.reset();
    out.phase = Phase::kExited;
    out.exit = exit_of(container);
  }
  sight.instance = std::move(out);
  return sight;
}

}  // namespace holdfast::docker
