// The words that say why an instance exits or starts. They are label values of metrics and appear in events:
// a change of one is a change of the API.
#pragma once

#include <string_view>

namespace holdfast::planner::cause {

// The instance ended by itself.
inline constexpr std::string_view kCrash = "crash", kExit = "exit", kOom = "oom", kLost = "lost";
// A probe asked for it: counts as a failure.
inline constexpr std::string_view kLiveness = "liveness", kStartup = "startup";
// Replaced on purpose.
inline constexpr std::string_view kConfig = "config", kOperator = "operator";
// Not wanted.
inline constexpr std::string_view kStop = "stop", kScale = "scale", kRemoved = "removed",
                                  kDuplicate = "duplicate";

inline bool is_health(std::string_view cause) {
  return cause == kLiveness || cause == kStartup;
}
inline bool is_replacement(std::string_view cause) {
  return cause == kConfig || cause == kOperator;
}

}  // namespace holdfast::planner::cause
