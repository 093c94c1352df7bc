// Thresholds as pure functions: results of single checks in, InstanceHealth out. No clock, no input or
// output, so that every table of cases can be tested.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/base/clock.h"
#include "controller/model/health.h"
#include "controller/model/service_spec.h"

namespace holdfast::health {

enum class Verdict { kUnknown, kPass, kFail };  // kUnknown: could not be checked; neither pass nor fail

struct CheckResult {
  Verdict verdict = Verdict::kUnknown;
  std::string message;  // why it did not pass: "GET http://127.0.0.1:8080/: status 503"
  bool operator==(const CheckResult&) const = default;
};

// The memory of one probe of one run.
struct ProbeState {
  Verdict verdict = Verdict::kUnknown;  // kUnknown until a threshold was reached for the first time
  int passes = 0, failures = 0;         // in a row
  std::string message;                  // of the last check that did not pass; empty after one that did
  bool operator==(const ProbeState&) const = default;
};

// A pass counts towards success_threshold and ends the row of failures, and the other way round; an unknown
// result leaves both rows as they are.
[[nodiscard]] ProbeState fold(ProbeState state, const Probe& probe, const CheckResult& result);

enum class ProbeKind { kStartup, kReadiness, kLiveness };
std::string_view to_string(ProbeKind kind);

// The probes of one run of an instance.
struct RunState {
  ProbeState startup, readiness, liveness;
  [[nodiscard]] ProbeState& of(ProbeKind kind) {
    return kind == ProbeKind::kStartup ? startup : kind == ProbeKind::kReadiness ? readiness : liveness;
  }
};
[[nodiscard]] const std::optional<Probe>& probe_of(const HealthSpec& spec, ProbeKind kind);

// The startup probe has passed, or there is none: the others may begin. It decides once.
[[nodiscard]] bool started(const HealthSpec& spec, const RunState& run);
// Should this probe be checked now? The startup probe until it has decided, the others after it passed.
[[nodiscard]] bool wanted(const HealthSpec& spec, const RunState& run, ProbeKind kind);

// Without probes: ready, state kUnknown. Liveness alone never makes an instance unready until it fails.
[[nodiscard]] InstanceHealth summarize(const HealthSpec& spec, const RunState& run);

// ---- probes that ask nobody: heartbeat and notify are folded from what was heard. Their window is their
// threshold: one miss fails, one sign of life passes.

// What one instance was heard to say.
struct Heard {
  MonoTime since;                    // begin of the run, or of this controller's watch if that is later
  bool ready = false;                // READY=1
  std::optional<MonoTime> watchdog;  // last WATCHDOG=1
  std::optional<MonoTime> beat;      // last heartbeat of the service
};
struct Judgement {
  CheckResult result;
  std::optional<MonoTime> next;  // when time alone may change it
};
// For HeartbeatProbe and NotifyProbe. Heard within the window: pass. Never heard: unknown until the window
// after `since` (and initial_delay) is over. READY=1 as startup or readiness passes for good; its window is
// interval * failure_threshold.
[[nodiscard]] Judgement judge(const Probe& probe, ProbeKind kind, const Heard& heard, MonoTime now);
[[nodiscard]] ProbeState settle(ProbeState state, const CheckResult& result);

}  // namespace holdfast::health
