// What the planner decides and an adapter does. Every action names its cause, for people, and is idempotent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/model/conditions.h"
#include "controller/model/observation.h"

namespace holdfast {

struct StartInstance {
  InstanceId id;
  std::uint64_t incarnation = 0;
  std::string reason;
  std::string cause{};  // one word: crash exit oom lost liveness startup config operator; empty: no restart
  bool operator==(const StartInstance&) const = default;
};
struct SignalInstance {  // asks it to stop with the spec's stop signal (or `signal`) and marks it Stopping
  InstanceId id;
  std::uint64_t incarnation = 0;
  int signal = 15;
  std::string reason;
  std::string cause{};  // one word: stop scale removed duplicate config operator liveness startup
  bool operator==(const SignalInstance&) const = default;
};
struct KillInstance {  // the whole tree, with KILL
  InstanceId id;
  std::uint64_t incarnation = 0;
  std::string reason;
  std::string cause{};  // as of the SignalInstance before it
  bool operator==(const KillInstance&) const = default;
};
struct RemoveInstance {  // forgets an exited run; logs stay
  InstanceId id;
  std::uint64_t incarnation = 0;
  std::string reason;
  bool operator==(const RemoveInstance&) const = default;
};
// Runtimes that delegate replicas and restarts (Kubernetes) get whole workloads instead of instances.
struct ApplyWorkload {
  std::string service, reason;
  bool operator==(const ApplyWorkload&) const = default;
};
struct ScaleWorkload {
  std::string service;
  int replicas = 0;
  std::string reason;
  bool operator==(const ScaleWorkload&) const = default;
};
struct RevertWorkload {  // back to the spec that ran well last
  std::string service, reason;
  bool operator==(const RevertWorkload&) const = default;
};
struct DeleteWorkload {
  std::string service, reason;
  bool operator==(const DeleteWorkload&) const = default;
};

using Action = std::variant<StartInstance, SignalInstance, KillInstance, RemoveInstance, ApplyWorkload,
                            ScaleWorkload, RevertWorkload, DeleteWorkload>;

std::string_view action_name(const Action& action);  // "StartInstance" ...
const std::string& action_reason(const Action& action);
std::string describe(const Action& action);  // "start web/0: exit code 1"

struct Plan {
  std::vector<Action> actions;
  std::vector<Condition> conditions;   // without times; the manager keeps lastTransitionTime
  std::optional<MonoTime> next_check;  // when time alone changes the plan
};

}  // namespace holdfast
