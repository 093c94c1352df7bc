// Conditions in the shape of Kubernetes API conventions (metav1.Condition).
#pragma once

#include <cstdint>
#include <string>

#include "controller/base/clock.h"

namespace holdfast {

// Types in use: Ready (serving as declared), Progressing (a start, stop or replacement is under way or
// waiting), Failed (gave up until an operator or a config change), Observed (the runtime can be seen),
// Degraded (running, but not as declared: limits lost, fallback runtime ...).
struct Condition {
  enum class Status { kTrue, kFalse, kUnknown };
  std::string type{};
  Status status = Status::kUnknown;
  std::string reason{};   // CamelCase, for machines
  std::string message{};  // for people
  WallTime last_transition{};
  std::int64_t observed_generation = 0;
};
std::string_view to_string(Condition::Status status);

}  // namespace holdfast
