// What happened, and why. Events and audit records are append-only and numbered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/model/observation.h"

namespace holdfast {

struct Event {
  std::uint64_t id = 0;  // ascending, never reused, survives restarts of the controller
  WallTime at{};
  std::string service{};  // empty: the controller itself
  std::optional<int> ordinal{};
  std::uint64_t incarnation = 0;
  // Started Exited Stopping Killed Removed Ready Unready Failed Completed Backoff Error Orphan ConfigChanged
  // ConfigRejected StartRequested StopRequested RestartRequested StateDegraded StateRecovered
  // LeadershipGained LeadershipLost Applied Scaled RolledBack Deleted
  // StateQuarantined
  std::string type{};
  std::string severity = "info";  // info | warning | error
  std::string message{};          // one sentence for people
  std::string cause{};            // crash oom liveness startup config operator dependency controller removed
  std::string actor{};            // who, when a person or script caused it
  std::uint64_t revision = 0;     // config revision in force
  std::optional<ExitRecord> exit{};
};

struct AuditRecord {
  std::uint64_t id = 0;
  WallTime at{};
  std::string actor, role, from;  // from: peer address
  std::string action{};           // "POST /api/v1/services/web/stop"
  std::string target{};
  int status = 0;        // HTTP status of the answer
  std::string result{};  // "ok" or the error's message
};

}  // namespace holdfast
