#include "controller/model/action.h"
#include "controller/model/capabilities.h"
#include "controller/model/conditions.h"
#include "controller/model/control_plane.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"
#include "controller/model/status.h"

namespace holdfast {

std::string_view to_string(Desired value) {
  return value == Desired::kRunning ? "running" : "stopped";
}

std::string_view to_string(RuntimeKind value) {
  switch (value) {
    case RuntimeKind::kAuto:
      return "auto";
    case RuntimeKind::kProcess:
      return "process";
    case RuntimeKind::kDocker:
      return "docker";
    case RuntimeKind::kKubernetes:
      return "kubernetes";
  }
  return "auto";
}

std::string_view to_string(RestartMode value) {
  switch (value) {
    case RestartMode::kAlways:
      return "always";
    case RestartMode::kOnFailure:
      return "on-failure";
    case RestartMode::kNever:
      return "never";
  }
  return "always";
}

std::string_view to_string(DependencyCondition value) {
  switch (value) {
    case DependencyCondition::kStarted:
      return "started";
    case DependencyCondition::kHealthy:
      return "healthy";
    case DependencyCondition::kCompleted:
      return "completed";
  }
  return "started";
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kPending:
      return "Pending";
    case Phase::kStarting:
      return "Starting";
    case Phase::kRunning:
      return "Running";
    case Phase::kStopping:
      return "Stopping";
    case Phase::kExited:
      return "Exited";
    case Phase::kUnknown:
      return "Unknown";
  }
  return "Unknown";
}

std::string_view to_string(Condition::Status status) {
  switch (status) {
    case Condition::Status::kTrue:
      return "True";
    case Condition::Status::kFalse:
      return "False";
    case Condition::Status::kUnknown:
      return "Unknown";
  }
  return "Unknown";
}

std::string_view to_string(Support support) {
  switch (support) {
    case Support::kNative:
      return "native";
    case Support::kEmulated:
      return "emulated";
    case Support::kUnsupported:
      return "unsupported";
  }
  return "unsupported";
}

std::string_view to_string(HealthState state) {
  switch (state) {
    case HealthState::kUnknown:
      return "unknown";
    case HealthState::kStarting:
      return "starting";
    case HealthState::kHealthy:
      return "healthy";
    case HealthState::kUnhealthy:
      return "unhealthy";
  }
  return "unknown";
}

std::string_view to_string(Verb verb) {
  switch (verb) {
    case Verb::kStart:
      return "start";
    case Verb::kStop:
      return "stop";
    case Verb::kRestart:
      return "restart";
  }
  return "start";
}

std::string describe(const ConfigError& error) {
  std::string text = error.origin.layer;
  if (!error.origin.file.empty()) text += (text.empty() ? "" : " ") + error.origin.file;
  if (error.origin.line > 0)
    text += ":" + std::to_string(error.origin.line) + ":" + std::to_string(error.origin.column);
  if (!error.path.empty()) text += (text.empty() ? "" : ": ") + error.path;
  text += (text.empty() ? "" : ": ") + error.message;
  if (!error.value.empty()) text += " (got " + error.value + ")";
  return text;
}

std::string_view action_name(const Action& action) {
  static constexpr std::array<std::string_view, 8> kNames{"StartInstance",  "SignalInstance", "KillInstance",
                                                          "RemoveInstance", "ApplyWorkload",  "ScaleWorkload",
                                                          "RevertWorkload", "DeleteWorkload"};
  return kNames.at(action.index());
}

const std::string& action_reason(const Action& action) {
  return std::visit([](const auto& a) -> const std::string& { return a.reason; }, action);
}

std::string describe(const Action& action) {
  static constexpr std::array<std::string_view, 8> kVerbs{"start", "stop",  "kill",   "remove",
                                                          "apply", "scale", "revert", "delete"};
  const auto target = std::visit(
      [](const auto& a) {
        if constexpr (requires { a.id; })
          return a.id.service + "/" + std::to_string(a.id.ordinal);
        else
          return a.service;
      },
      action);
  return std::string(kVerbs.at(action.index())) + " " + target + ": " + action_reason(action);
}

}  // namespace holdfast
