// How the store finds its file at the start, and again whenever it went bad or away.
#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "controller/state/database_files.h"
#include "controller/state/quarantine.h"
#include "controller/state/sqlite_store.h"

namespace holdfast::state {

namespace {

constexpr int kCheckpointPages = 1024;  // 4 MiB of log

// Larger than any id ever given out by counting: for a new file whose predecessor can't be asked.
std::uint64_t first_id_after_loss(WallTime now) {
  return static_cast<std::uint64_t>(to_unix_ms(now) / 1000);
}

Error not_writable(Error error, const std::string& state_dir) {
  error.hint = "give the controller's user write access to " + state_dir + " or choose another --state-dir";
  return error;
}

Status check_directory(const std::string& state_dir) {
  if (auto made = make_directories(state_dir); !made) return fail(not_writable(made.error(), state_dir));
  if (faccessat(AT_FDCWD, state_dir.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return fail(
      not_writable(errno_error("cannot write to the state directory " + state_dir, errno), state_dir));
}

std::string carried_over(const Loaded& loaded) {
  if (loaded.intents.empty() && loaded.ledgers.empty())
    return "; a new one was begun: what operators had started or stopped is forgotten, services follow their "
           "configuration";
  return "; a new one was begun with the " + std::to_string(loaded.intents.size()) + " intents and " +
         std::to_string(loaded.ledgers.size()) + " restart ledgers that could still be read";
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& state_dir, const Clock& clock,
                                           Retention retention) {
  if (auto usable = check_directory(state_dir); !usable) return tl::unexpected(usable.error());
  auto store = std::make_unique<SqliteStore>(state_dir + "/holdfast.db", clock, retention);
  if (auto loaded = store->load(); !loaded) return tl::unexpected(loaded.error());
  return store;
}

Status SqliteStore::load() {
  const std::lock_guard lock(mutex_);
  try {
    adopt(connect(Trust::kCheck));
  } catch (const SQLite::Exception& error) {
    note_failure(explain(error));
    disconnect();
    try {
      if (exists(path_)) adopt(Database::load_without_writing(path_));
    } catch (const SQLite::Exception& again) {
      return fail(ErrorCode::kUnavailable, "cannot read " + path_ + ": " + again.what(),
                  "nothing is started without knowing what operators have stopped: make the file readable, "
                  "or move it away to begin anew");
    }
  }
  flush(Urgency::kWhenDue);
  opened_ = true;
  return {};
}

void SqliteStore::adopt(Loaded loaded) {
  intents_ = std::move(loaded.intents);
  ledgers_ = std::move(loaded.ledgers);
  for (auto& [service, ledger] : ledgers_) {
    if (ledger.boot == boot_id()) continue;
    ledger.boot = boot_id();
    for (auto& [number, ordinal] : ledger.ordinals) {
      ordinal.next_start.reset();
      ordinal.recent_restarts.clear();
      ordinal.stop_since.reset();
      ordinal.killed_at.reset();
    }
  }
  next_event_ = std::max(next_event_, loaded.next_event);
  next_audit_ = std::max(next_audit_, loaded.next_audit);
  for (const auto& row : loaded.unreadable) quarantined_.push_back(path_ + ": " + row);
}

// Also checks that everything can be read: a database that opens but doesn't load is a bad one.
Loaded SqliteStore::connect(Trust trust) {
  if (auto log = set_foreign_log_aside(path_, clock_.wall())) note_quarantine(std::move(*log));
  if (trust == Trust::kReplace) return begin_new_file("it fails although it passes every check");
  try {
    open_file();
    return database_->load();
  } catch (const SQLite::Exception& error) {
    if (!is_corruption(error) || quarantined_.size() >= kMaxQuarantined) throw;
    return begin_new_file(error.what());
  }
}

void SqliteStore::open_file() {
  database_ = std::make_unique<Database>(path_, [this](int pages) {
    if (pages >= kCheckpointPages) checkpointer_.request();
  });
  event_floor_ = 0;
}

Loaded SqliteStore::begin_new_file(const std::string& why) {
  disconnect();
  const auto kept = set_database_aside(path_, clock_.wall());
  if (!kept) throw SQLite::Exception(kept.error().message, SQLITE_CANTOPEN);
  auto loaded = Database::salvage(*kept);
  loaded.next_event = loaded.next_audit = first_id_after_loss(clock_.wall());
  missing_.everything = true;
  note_quarantine("the database " + path_ + " can't be used (" + why + ") and was kept as " + *kept +
                  carried_over(loaded));
  open_file();
  return loaded;
}

// At open the caller tells, later nobody else would.
void SqliteStore::note_quarantine(std::string sentence) {
  if (opened_) log::error(sentence);
  quarantined_.push_back(std::move(sentence));
}

void SqliteStore::disconnect() {
  reader_.close();
  if (database_) database_->abandon();
  database_.reset();
}

}  // namespace holdfast::state
