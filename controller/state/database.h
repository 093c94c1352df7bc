// The database file <state>/holdfast.db: its schema, how it is opened and checked, and the statements that
// write it. Knows nothing of what is missing on the disk: that is the store's.
//
//   meta(key, value)          event_floor: ids below it may have been given out
//   intents(service, body)    ledgers(service, body)      JSON, see codec.h
//   events(id, at, service, body)   audit(id, at, body)   at: nanoseconds since 1970, UTC
//
// WAL with synchronous=NORMAL: a commit is in the page cache when it returns, so a killed controller loses
// nothing; a power cut loses at most the newest commits, never the file. What waits for the disk is the
// checkpoint, on the checkpointer's own thread, and after one the first commit, for the log's header alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "controller/model/event.h"
#include "controller/model/intent.h"
#include "controller/model/ledger.h"

namespace holdfast::state {

// What the store keeps in memory, as it was found on the disk.
struct Loaded {
  std::map<std::string, Intent> intents;
  std::map<std::string, RestartLedger> ledgers;
  std::uint64_t next_event = 1, next_audit = 1;
  std::vector<std::string> unreadable;  // rows that no version of Holdfast wrote, one sentence each
};

// Not thread-safe. Methods throw SQLite::Exception.
class Database {
 public:
  // Creates and checks the file. Throws with SQLITE_NOTADB or SQLITE_CORRUPT if it can't be used, with other
  // codes if that may pass (disk full, locked).
  Database(const std::string& path, std::function<void(int pages)> on_commit);
  ~Database();

  // Runs work in one transaction, rolled back if it throws.
  void transaction(const std::function<void()>& work);

  void put_intent(const std::string& service, const Intent& intent);
  void erase_intent(const std::string& service);
  void put_ledger(const std::string& service, const RestartLedger& ledger);
  void erase_ledger(const std::string& service);
  void erase_intents_and_ledgers();
  void add_event(const Event& event);
  void add_audit(const AuditRecord& record);
  void set_event_floor(std::uint64_t floor);
  // Deletes the oldest rows beyond `keep`, a bounded number per call and only once a few have gathered.
  void prune_events(size_t keep);
  void prune_audit(size_t keep);

  [[nodiscard]] Loaded load() { return load(database_); }
  // True once somebody removed or replaced the file under the open connection.
  [[nodiscard]] bool moved();

  // Closing will leave the files beside the database as they are: they may belong to another one by now.
  void abandon();

  // Reads without writing beside the file, for a disk so full that the ordinary way fails.
  static Loaded load_without_writing(const std::string& path);
  // Whatever can still be read of a database that was set aside; never throws.
  static Loaded salvage(const std::string& path);

 private:
  static Loaded load(SQLite::Database& database);
  SQLite::Statement& statement(std::unique_ptr<SQLite::Statement>& slot, const char* sql);
  void prune(std::unique_ptr<SQLite::Statement>& slot, const char* sql, size_t keep, size_t& count);

  std::function<void(int)> on_commit_;
  SQLite::Database database_;
  size_t events_ = 0, audits_ = 0;
  std::unique_ptr<SQLite::Statement> begin_, commit_, put_intent_, erase_intent_, put_ledger_, erase_ledger_,
      add_event_, add_audit_, set_floor_, prune_events_, prune_audit_;
};

// True if the error may come from the file itself, not from a full disk or another program in the way.
bool is_corruption(const SQLite::Exception& error);

}  // namespace holdfast::state
