// The Store over SQLite. Memory is the truth; what has not reached the disk yet is kept as `Missing` and
// written by the next attempt that works, in one transaction.
//
//   write -> memory + missing -> flush ------------------------------> disk, nothing missing
//                                  | disk full, locked ...     ^
//                                  v                           | next write (at most one attempt a second),
//                               degraded ---------------------->  any intent, or retry()
//                                  | the file is bad or gone
//                                  v
//                               set aside, a new file, everything missing
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/state/checkpointer.h"
#include "controller/state/database.h"
#include "controller/state/event_reader.h"
#include "controller/state/store.h"

namespace holdfast::state {

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, const Clock& clock, Retention retention);
  ~SqliteStore() override;
  // Reads what there is; an error means that nothing can be known about the past, so nothing may be started.
  Status load();

  [[nodiscard]] std::map<std::string, Intent> intents() const override;
  void save_intent(const std::string& service, const Intent& intent) override;
  [[nodiscard]] std::map<std::string, RestartLedger> ledgers() const override;
  void save_ledger(const std::string& service, const RestartLedger& ledger) override;
  void forget_service(const std::string& service) override;
  Event append_event(Event event) override;
  Result<std::vector<Event>> events(const EventQuery& query) const override;
  void append_audit(AuditRecord record) override;
  Result<std::vector<AuditRecord>> audit(size_t limit) const override;
  [[nodiscard]] std::optional<std::string> degraded() const override;
  [[nodiscard]] std::vector<std::string> quarantined() const override;
  void retry() override;

 private:
  struct Missing {
    bool everything = false;                 // the file is another one: all intents and ledgers
    std::set<std::string> intents, ledgers;  // services whose entry differs from the disk
    std::deque<Event> events;                // bounded; the oldest are dropped and counted
    std::deque<AuditRecord> audit;
    std::uint64_t dropped = 0;
    [[nodiscard]] bool empty() const {
      return !everything && intents.empty() && ledgers.empty() && events.empty() && audit.empty();
    }
  };
  enum class Urgency { kWhenDue, kNow };

  enum class Trust { kCheck, kReplace };
  static constexpr size_t kMaxQuarantined = 20;  // a disk that spoils every file must not be filled with them

  // All below: with mutex_ held. Those that throw, throw SQLite::Exception.
  Loaded connect(Trust trust);  // sets a bad file aside and begins a new one
  Loaded begin_new_file(const std::string& why);
  void open_file();
  void disconnect();
  void note_quarantine(std::string sentence);
  void adopt(Loaded loaded);
  void flush(Urgency urgency);
  void write_missing(int attempt);
  void write_rows();
  void write_intents_and_ledgers();
  [[nodiscard]] std::string explain(const SQLite::Exception& error) const;
  void note_failure(const std::string& why);
  void note_success();

  const std::string path_;
  const Clock& clock_;
  const Retention retention_;

  mutable std::mutex mutex_;
  std::map<std::string, Intent> intents_;
  std::map<std::string, RestartLedger> ledgers_;
  std::uint64_t next_event_ = 1, next_audit_ = 1;
  std::uint64_t event_floor_ = 0;  // on the disk: ids from here on were never given out
  Missing missing_;
  std::optional<std::string> degraded_;
  MonoTime next_attempt_;
  std::vector<std::string> quarantined_;
  bool opened_ = false;

  Checkpointer checkpointer_;
  std::unique_ptr<Database> database_;  // null while it can't be opened
  mutable EventReader reader_;
};

}  // namespace holdfast::state
