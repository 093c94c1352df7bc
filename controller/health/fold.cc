#include "controller/health/fold.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace holdfast::health {

namespace {

std::string in_seconds(Duration time) {
  std::array<char, 40> text{};
  const int n = std::snprintf(text.data(), text.size(), "%g s", std::chrono::duration<double>(time).count());
  return {text.data(), static_cast<size_t>(n)};
}

// The message of the gravest of the probes that count now.
std::string message_of(const HealthSpec& spec, const RunState& run) {
  const auto line = [](ProbeKind kind, const ProbeState& state) {
    return state.message.empty() ? std::string() : std::string(to_string(kind)) + ": " + state.message;
  };
  if (!started(spec, run)) return line(ProbeKind::kStartup, run.startup);
  auto text = line(ProbeKind::kLiveness, run.liveness);
  return text.empty() ? line(ProbeKind::kReadiness, run.readiness) : text;
}

HealthState state_of(const HealthSpec& spec, const RunState& run, const InstanceHealth& health) {
  if (health.startup_failed || health.liveness_failed || run.readiness.verdict == Verdict::kFail)
    return HealthState::kUnhealthy;
  if (!started(spec, run)) return HealthState::kStarting;
  if (spec.readiness) return health.ready ? HealthState::kHealthy : HealthState::kStarting;
  if (spec.startup || run.liveness.verdict == Verdict::kPass) return HealthState::kHealthy;
  return HealthState::kUnknown;
}

Judgement judge_silence(Duration within, std::optional<MonoTime> heard, MonoTime since, MonoTime now,
                        std::string_view what) {
  const auto deadline = std::max(heard.value_or(since), since) + within;
  if (now > deadline)
    return {{Verdict::kFail, "no " + std::string(what) + " within " + in_seconds(within)}, std::nullopt};
  if (heard && now <= *heard + within) return {{Verdict::kPass, {}}, *heard + within};
  return {{Verdict::kUnknown, "no " + std::string(what) + " yet"}, deadline};
}

}  // namespace

std::string_view to_string(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kStartup:
      return "startup";
    case ProbeKind::kReadiness:
      return "readiness";
    case ProbeKind::kLiveness:
      return "liveness";
  }
  return "liveness";
}

const std::optional<Probe>& probe_of(const HealthSpec& spec, ProbeKind kind) {
  return kind == ProbeKind::kStartup     ? spec.startup
         : kind == ProbeKind::kReadiness ? spec.readiness
                                         : spec.liveness;
}

ProbeState fold(ProbeState state, const Probe& probe, const CheckResult& result) {
  switch (result.verdict) {
    case Verdict::kUnknown:
      state.message = result.message;
      break;
    case Verdict::kPass:
      state.failures = 0;
      state.message.clear();
      state.passes = std::min(state.passes + 1, probe.success_threshold);
      if (state.passes >= probe.success_threshold) state.verdict = Verdict::kPass;
      break;
    case Verdict::kFail:
      state.passes = 0;
      state.message = result.message;
      state.failures = std::min(state.failures + 1, probe.failure_threshold);
      if (state.failures >= probe.failure_threshold) state.verdict = Verdict::kFail;
      break;
  }
  return state;
}

bool started(const HealthSpec& spec, const RunState& run) {
  return !spec.startup || run.startup.verdict == Verdict::kPass;
}

bool wanted(const HealthSpec& spec, const RunState& run, ProbeKind kind) {
  if (!probe_of(spec, kind)) return false;
  if (kind == ProbeKind::kStartup) return run.startup.verdict == Verdict::kUnknown;
  return started(spec, run);
}

InstanceHealth summarize(const HealthSpec& spec, const RunState& run) {
  InstanceHealth health;
  health.startup_failed = spec.startup && run.startup.verdict == Verdict::kFail;
  health.liveness_failed = started(spec, run) && spec.liveness && run.liveness.verdict == Verdict::kFail;
  health.ready = started(spec, run) && !health.liveness_failed &&
                 (!spec.readiness || run.readiness.verdict == Verdict::kPass);
  health.message = message_of(spec, run);
  health.state = state_of(spec, run, health);
  return health;
}

Judgement judge(const Probe& probe, ProbeKind kind, const Heard& heard, MonoTime now) {
  const auto since = heard.since + probe.initial_delay;
  if (const auto* heartbeat = std::get_if<HeartbeatProbe>(&probe.check))
    return judge_silence(heartbeat->within, heard.beat, since, now, "heartbeat");
  const auto* notify = std::get_if<NotifyProbe>(&probe.check);
  if (!notify) return {};
  if (kind == ProbeKind::kLiveness)
    return judge_silence(notify->within, heard.watchdog, since, now, "WATCHDOG=1");
  if (heard.ready) return {{Verdict::kPass, {}}, std::nullopt};
  return judge_silence(probe.interval * probe.failure_threshold, std::nullopt, since, now, "READY=1");
}

ProbeState settle(ProbeState state, const CheckResult& result) {
  if (result.verdict != Verdict::kUnknown) state.verdict = result.verdict;
  state.message = result.message;
  return state;
}

}  // namespace holdfast::health
