#include "api/streaming/view.h"

#include <cmath>

#include "controller/base/text.h"

namespace holdfast::streaming {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

// Running before on-its-way, then by ordinal.
const InstanceStatus* primary(const ServiceStatus& status) {
  const InstanceStatus* best = nullptr;
  for (const auto& instance : status.instances) {
    if (!occupies(instance)) continue;
    const bool runs = instance.observed.phase == Phase::kRunning;
    if (!best || (runs && best->observed.phase != Phase::kRunning)) best = &instance;
  }
  return best;
}

void add(std::optional<double>& sum, std::optional<double> value) {
  if (value) sum = sum.value_or(0) + *value;
}

const Condition* find_condition(const ServiceStatus& status, std::string_view type) {
  for (const auto& condition : status.conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

std::string condition_text(const Condition& condition) {
  return condition.message.empty() ? condition.reason : condition.message;
}

std::optional<std::string> unseen(const ServiceStatus& status) {
  if (const auto* observed = find_condition(status, "Observed");
      observed && observed->status != Condition::Status::kTrue) {
    return "cannot be observed: " + condition_text(*observed);
  }
  for (const auto& instance : status.instances) {
    if (instance.observed.phase == Phase::kUnknown) {
      return "cannot be observed" +
             (instance.observed.message.empty() ? "" : ": " + instance.observed.message);
    }
  }
  return std::nullopt;
}

std::optional<std::string> not_up(const ServiceStatus& status) {
  if (status.phase != "Failed" && status.phase != "Backoff" && status.phase != "Waiting") return std::nullopt;
  if (const auto* failed = find_condition(status, "Failed");
      failed && failed->status == Condition::Status::kTrue) {
    return condition_text(*failed);
  }
  if (status.phase == "Waiting" && !status.waiting_for.empty())
    return "waiting for " + join(status.waiting_for, ", ");
  if (status.last_exit && !status.last_exit->reason.empty()) return status.last_exit->reason;
  const auto* ready = find_condition(status, "Ready");
  return ready ? condition_text(*ready) : "not running: " + status.phase;
}

std::optional<std::string> error_of(const ServiceStatus& status) {
  if (status.last_error) {
    const auto& error = *status.last_error;
    return error.message + (error.hint.empty() ? "" : " (" + error.hint + ")");
  }
  if (auto text = unseen(status)) return text;
  if (status.desired == Desired::kStopped) return std::nullopt;
  if (auto text = not_up(status)) return text;
  for (const auto& instance : status.instances) {
    if (instance.health == HealthState::kUnhealthy) {
      return instance.health_message.empty() ? "unhealthy" : instance.health_message;
    }
  }
  return std::nullopt;
}

}  // namespace

bool occupies(const InstanceStatus& instance) {
  switch (instance.observed.phase) {
    case Phase::kRunning:
    case Phase::kStopping:
      return true;
    case Phase::kStarting:
      return instance.observed.pid.has_value();
    case Phase::kPending:
    case Phase::kExited:
    case Phase::kUnknown:
      return false;
  }
  return false;
}

ServiceView view_of(const ServiceStatus& status) {
  ServiceView view;
  view.ready = status.ready;
  view.last_heartbeat = status.last_heartbeat;
  view.error = error_of(status);
  const auto* instance = primary(status);
  if (!instance) return view;
  view.running = true;
  view.pid = instance->observed.pid;
  view.started_at = instance->observed.started_at;
  view.started_wall = instance->observed.started_wall;
  for (const auto& each : status.instances) {
    if (!occupies(each)) continue;
    add(view.cpu_percent, each.usage.cpu_percent);
    if (each.usage.memory_bytes) {
      add(view.memory_mb, static_cast<double>(*each.usage.memory_bytes) / kMebibyte);
    }
  }
  return view;
}

std::string iso_time(WallTime time) {
  auto text = format_rfc3339(time);  // 2026-11-22T18:47:03.123456Z
  text.pop_back();
  if (text.ends_with(".000000")) text.resize(text.size() - 7);
  return text + "+00:00";
}

Json queue_stats(const ServiceStatus& status) {
  Json result = Json::object();
  if (const auto queue = status.collected.find("queue"); queue != status.collected.end()) {
    for (const auto& [state, count] : queue->second.values) {
      result.set(state, static_cast<std::int64_t>(std::llround(count)));
    }
  }
  return result;
}

std::int64_t processing_rate(const ServiceStatus& status) {
  const auto rate = status.collected.find("rate");
  if (rate == status.collected.end() || rate->second.values.empty()) return 0;
  const auto& values = rate->second.values;
  const auto named = values.find("completed_last_hour");
  return std::llround(named != values.end() ? named->second : values.begin()->second);
}

std::string queue_error(const ServiceStatus& status) {
  for (const auto* name : {"queue", "rate"}) {
    const auto found = status.collected.find(name);
    if (found != status.collected.end() && !found->second.error.empty()) return found->second.error;
  }
  return {};
}

}  // namespace holdfast::streaming
