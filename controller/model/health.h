// What the prober tells the planner about one run of an instance.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "controller/model/status.h"

namespace holdfast {

struct InstanceHealth {
  HealthState state = HealthState::kUnknown;  // kStarting until the startup probe has passed
  bool ready = false;                         // started and readiness passes (or none is declared)
  bool startup_failed = false;                // startup probe failed for good: restart, cause "startup"
  bool liveness_failed = false;               // restart, cause "liveness"
  std::string message{};                      // last probe failure: "readiness: GET :8080/healthz: 503"
  bool operator==(const InstanceHealth&) const = default;
};
// Keyed by (ordinal, incarnation): the health of an old run never speaks for a new one.
using HealthView = std::map<std::pair<int, std::uint64_t>, InstanceHealth>;

}  // namespace holdfast
