// What a runtime sees of a service at one moment.
//
//            start                     ready to be watched
//   (none) ---------> Pending/Starting -----------------> Running
//                                                           | signal
//     Unknown: can't be seen; it is not absence             v
//   Exited <-------------------------------------------- Stopping
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/clock.h"

namespace holdfast {

enum class Phase { kPending, kStarting, kRunning, kStopping, kExited, kUnknown };
std::string_view to_string(Phase phase);

struct InstanceId {
  std::string service{};
  int ordinal = 0;  // 0 .. replicas-1
  auto operator<=>(const InstanceId&) const = default;
};

struct ExitRecord {
  std::optional<int>
      code;  // exactly one of code and signal, or neither when it is unknown (e.g. machine rebooted)
  std::optional<int> signal{};
  bool oom_killed = false;
  bool start_failed = false;  // the program never ran (exec failed); reason says why
  std::string reason{};  // for people: "exit code 3", "killed by signal 9 (KILL)", "cannot execute x: ..."
  WallTime at{};
  [[nodiscard]] bool clean() const { return code == 0; }
  bool operator==(const ExitRecord&) const = default;
};

struct ObservedInstance {
  InstanceId id{};
  // What the runtime calls it, where it chooses names by itself: a pod's name. Empty: it has no other.
  std::string name{};
  // Counts the starts of one ordinal: with id the identity of this run. Never reused; larger is newer.
  std::uint64_t incarnation = 0;
  Phase phase = Phase::kUnknown;
  std::optional<std::int64_t> pid{};
  std::optional<MonoTime> started_at{};  // monotonic, valid within this boot
  std::optional<WallTime> started_wall{};
  std::optional<MonoTime> stopping_since{};   // when it was asked to stop; set exactly while Stopping
  std::optional<ExitRecord> exit{};           // set exactly when Exited
  std::optional<ExitRecord> last_exit{};      // of the run before, where the runtime restarts by itself
  std::string spec_hash{};                    // of the spec it was started with
  std::uint64_t restart_nonce = 0;            // of the intent it was started with
  bool notify_ready = false;                  // sd_notify READY=1 was received
  std::optional<MonoTime> notify_watchdog{};  // last WATCHDOG=1
  std::string notify_status{};                // sd_notify STATUS=
  std::string message{};                      // why it is Pending, Unknown or not ready, if known
  // The runtime's own word on whether it serves (a container's health check); nullopt: it has none.
  std::optional<bool> runtime_ready{};
  // Where what runs differs from what is declared, though it was started as declared: "memory: 512Mi is
  // declared, 1Gi is in force".
  std::vector<std::string> drift{};
};

// What a runtime that keeps whole workloads has of one, apart from its instances.
struct ObservedWorkload {
  std::string spec_hash{};          // as it was applied last
  std::uint64_t restart_nonce = 0;  // likewise
  int replicas = 0;                 // so many it is to keep; 0: stopped
  std::string scaler{};       // who else decides that number: "HorizontalPodAutoscaler web"; empty: nobody
  bool rolling_out = false;   // instances are still being replaced, or not all available yet
  std::string stalled{};      // why the rollout doesn't get on; empty: it does, or is done
  std::string stable_hash{};  // of the spec that ran well last, which can be gone back to; empty: none
  // Of the rollout that stalled and was gone back from; what is in force is stable_hash then.
  std::string rejected_hash{}, rejected_because{};
  std::uint64_t rejected_nonce = 0;
  // What an apply would change, each a sentence: "replicas: 2 is declared, 5 is in force (by kubectl-scale)".
  std::vector<std::string> pending{};
};

struct Observation {
  std::vector<ObservedInstance> instances{};   // by ordinal, then incarnation
  std::optional<ObservedWorkload> workload{};  // only where workloads are delegated; nullopt: there is none
};

}  // namespace holdfast
