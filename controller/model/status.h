// What is published about a service: immutable, shared with readers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/model/conditions.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"

namespace holdfast {

enum class HealthState { kUnknown, kStarting, kHealthy, kUnhealthy };
std::string_view to_string(HealthState state);

// nullopt: not known (yet, or on this runtime). cpu_percent is of one core: 200 = two cores busy.
struct ResourceUsage {
  std::optional<double> cpu_percent{};
  std::optional<double> cpu_seconds_total{};
  std::optional<std::int64_t> memory_bytes{};  // resident, whole tree
  std::optional<std::int64_t> open_fds{};
  std::optional<std::int64_t> processes{};
};

struct InstanceStatus {
  ObservedInstance observed{};
  HealthState health = HealthState::kUnknown;
  bool ready = false;
  std::string health_message{};
  ResourceUsage usage{};
};

// The newest answer of one collector. values keeps its last good content beside an error.
struct CollectedValues {
  std::map<std::string, double> values{};
  std::string error{};
  std::optional<WallTime> at{};
};

struct ServiceStatus {
  SpecPtr spec{};  // what it is reconciled against; null only for an orphan being removed
  RuntimeKind runtime = RuntimeKind::kProcess;  // resolved, never kAuto
  std::string runtime_mode{};  // how it is reached, where there is more than one way: "engine", "cli"
  Desired desired = Desired::kRunning;  // effective
  std::string phase{};  // Running Starting Stopping Stopped Waiting Backoff Failed Completed Unknown Removing
  bool ready = false;
  std::int64_t observed_generation = 0;
  std::vector<InstanceStatus> instances{};
  std::optional<ObservedWorkload> workload{};  // where the runtime keeps workloads by itself
  std::vector<Condition> conditions{};
  std::map<std::string, std::uint64_t> restarts_by_cause{};
  std::uint64_t restarts = 0;  // sum of the above
  std::optional<ExitRecord> last_exit{};
  std::optional<Error> last_error{};  // of the last reconcile, cleared by a good one
  std::optional<WallTime> last_heartbeat{};
  std::map<std::string, CollectedValues> collected{};
  std::vector<std::string> waiting_for{};  // dependencies that hold back the start
  std::uint64_t restart_nonce = 0;
  bool settled = false;  // nothing left to do for the current spec and intent
  WallTime updated{};
};
using StatusPtr = std::shared_ptr<const ServiceStatus>;

}  // namespace holdfast
