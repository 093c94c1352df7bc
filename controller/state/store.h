// What must survive a restart of the controller: operator intent, ledgers, events, audit, in
// <state>/holdfast.db (SQLite, WAL). A database that can't be read is set aside as holdfast.db.corrupt-<time>
// and a new one begun; a full disk makes writes fail softly: memory stays the truth, degraded() says so, and
// the next write that works brings the database up to date with everything that was missed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "controller/model/control_plane.h"
#include "controller/model/event.h"
#include "controller/model/intent.h"
#include "controller/model/ledger.h"

namespace holdfast::state {

struct Retention {
  size_t max_events = 100'000;
  size_t max_audit = 100'000;
};

// Thread-safe. Intents and ledgers are answered from memory, events and audit from the disk and what it
// lacks. A write is in the page cache when it returns (some 50 us), so kill -9 loses nothing; the disk itself
// is waited for on another thread, save once in about a thousand writes, for one page.
class Store {
 public:
  // Creates the directory if need be. kPermission (state dir not writable, with a hint).
  // kUnavailable when there is a database that can be neither read nor called corrupt (locked, input/output
  // error): nothing may be started without knowing what operators have stopped.
  static Result<std::unique_ptr<Store>> open(const std::string& state_dir, const Clock& clock,
                                             Retention retention = {});
  virtual ~Store() = default;

  [[nodiscard]] virtual std::map<std::string, Intent> intents() const = 0;
  virtual void save_intent(const std::string& service, const Intent& intent) = 0;
  // Ledgers of another boot come back without their monotonic times.
  [[nodiscard]] virtual std::map<std::string, RestartLedger> ledgers() const = 0;
  virtual void save_ledger(const std::string& service, const RestartLedger& ledger) = 0;
  virtual void forget_service(const std::string& service) = 0;  // intent and ledger; events stay

  virtual Event append_event(Event event) = 0;  // gives it id and, if unset, time
  virtual Result<std::vector<Event>> events(const EventQuery& query) const = 0;
  virtual void append_audit(AuditRecord record) = 0;
  virtual Result<std::vector<AuditRecord>> audit(size_t limit) const = 0;

  // Why the newest write did not reach the disk; nullopt when all is well.
  [[nodiscard]] virtual std::optional<std::string> degraded() const = 0;
  // What was set aside at open: one sentence each, with path and remedy.
  [[nodiscard]] virtual std::vector<std::string> quarantined() const = 0;
  virtual void retry() = 0;  // tries again to write what is missing; called by the controller now and then
};

}  // namespace holdfast::state
