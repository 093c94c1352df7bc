// All that the API may ask of the controller: what is (snapshots, never a runtime call) and what is wanted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/model/capabilities.h"
#include "controller/model/config_view.h"
#include "controller/model/event.h"
#include "controller/model/intent.h"
#include "controller/model/status.h"

namespace holdfast {

enum class Verb { kStart, kStop, kRestart };
std::string_view to_string(Verb verb);

struct VerbResult {
  bool changed = false;             // false: it already was so
  std::uint64_t restart_nonce = 0;  // after the call
};

struct EventQuery {
  std::optional<std::string> service;
  std::uint64_t after = 0;  // ids above this one
  size_t limit = 200;       // the newest of those that match, oldest first
};

struct RuntimeInfo {
  RuntimeKind kind = RuntimeKind::kProcess;
  bool available = false;
  std::string mode{};  // how it is reached, where there is more than one way: "engine", "cli"
  std::string message;
  Capabilities capabilities;
};

struct ReadyReport {
  bool ready = false;
  std::map<std::string, std::string> checks;  // name -> "ok" or what is wrong
  std::string leader{};                       // who acts, where several share their services
};

// What a subscriber is told: "service", "service-removed", "event", "config". A service message carries its
// status.
struct Update {
  std::uint64_t sequence = 0;  // ascending; resume after this
  std::string kind;
  std::string service;
  StatusPtr status;                    // kind "service"
  std::shared_ptr<const Event> event;  // kind "event"
};
using UpdateSink = std::function<void(const Update&)>;  // called on the publisher's thread: must not block

// Counters of the loop, for /metrics.
struct ReconcilerStats {
  std::uint64_t reconciles_success = 0, reconciles_error = 0, reconciles_requeue = 0;
  std::vector<std::pair<double, std::uint64_t>>
      duration_buckets;  // upper bound in seconds -> cumulative count
  double duration_sum = 0;
  std::uint64_t duration_count = 0;
  std::uint64_t queue_depth = 0, queue_adds = 0, queue_retries = 0;
  double longest_running_seconds = 0;
  std::uint64_t workers = 0, active_workers = 0;
};

// Thread-safe; no method blocks on a runtime, except logs().
class ControlPlane {
 public:
  virtual ~ControlPlane() = default;

  // ---- what is
  [[nodiscard]] virtual std::vector<StatusPtr> services() const = 0;           // by name
  [[nodiscard]] virtual StatusPtr service(const std::string& name) const = 0;  // null: no such service
  [[nodiscard]] virtual std::vector<RuntimeInfo> runtimes() const = 0;
  [[nodiscard]] virtual ReadyReport ready() const = 0;
  [[nodiscard]] virtual ReconcilerStats stats() const = 0;
  virtual Result<std::vector<Event>> events(const EventQuery& query) = 0;
  // kUnavailable where the runtime has no logs.
  virtual Result<std::string> logs_text(const std::string& name, size_t tail,
                                        const std::optional<std::string>& stream, std::optional<int> ordinal,
                                        std::optional<WallTime> since) = 0;

  // Snapshot, then follow, without a gap: first is called with every service's status (sequence = current),
  // then sink with everything later. after > 0 resumes instead, or gives nullopt if the past is no longer
  // held (snapshot again).
  virtual std::optional<std::uint64_t> subscribe(std::uint64_t after,
                                                 UpdateSink sink) = 0;  // subscription id
  virtual void unsubscribe(std::uint64_t subscription) = 0;

  // ---- what is wanted
  virtual Result<VerbResult> command(const std::string& name, Verb verb, const Actor& actor) = 0;
  virtual Status heartbeat(const std::string& name, const Actor& actor) = 0;
  // Calls done exactly once, from any thread: with the status once the service is settled (see ServiceStatus)
  // for the intent and config in force at this call, or when the deadline has passed (settled is false then).
  // Null: removed.
  virtual void when_settled(const std::string& name, Duration within,
                            std::function<void(StatusPtr)> done) = 0;

  // ---- configuration
  [[nodiscard]] virtual std::shared_ptr<const ConfigView> config() const = 0;
  // Merges patch into the API layer, validates the whole, writes a revision, applies. if_match: ETag the
  // caller saw.
  virtual Result<ConfigChange> patch_config(const Json& patch, const std::optional<std::string>& if_match,
                                            const Actor& actor) = 0;
  // The API's layer for this service becomes exactly `service` (PUT); null deletes it from the result
  // (DELETE).
  virtual Result<ConfigChange> put_service(const std::string& name, const Json& service,
                                           const std::optional<std::string>& if_match,
                                           const Actor& actor) = 0;
  [[nodiscard]] virtual std::vector<RevisionInfo> revisions() const = 0;
  virtual Result<ConfigChange> rollback(std::uint64_t revision, const std::optional<std::string>& if_match,
                                        const Actor& actor) = 0;
  // What a document would cause if it replaced the base file (or, merge = true, were merged as an API edit).
  virtual Result<std::vector<PlannedChange>> plan(const Json& document, bool merge) = 0;

  virtual void audit(const AuditRecord& record) = 0;
};

}  // namespace holdfast
