#include "controller/state/sqlite_store.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "controller/state/quarantine.h"

namespace holdfast::state {

namespace {

constexpr int kCheckpointPages = 512;          // 2 MiB of log
constexpr size_t kMaxMissing = 10'000;         // events, and audit records, held while the disk takes none
constexpr std::uint64_t kEventReserve = 1000;  // ids announced to the disk ahead of their use
constexpr size_t kMaxQuarantined = 20;         // a disk that spoils every file must not be filled with them
constexpr Duration kRetryPause = std::chrono::seconds{1};

// Larger than any id ever given out by counting: for a new file whose predecessor can't be asked.
std::uint64_t first_id_after_loss(WallTime now) {
  return static_cast<std::uint64_t>(to_unix_ms(now) / 1000);
}

std::string explain(const std::string& path, const SQLite::Exception& error) {
  const std::string what = "cannot write " + path + ": " + error.what();
  if ((error.getErrorCode() & 0xff) == SQLITE_FULL)
    return what + "; free some space, everything is kept in memory until then";
  return what + "; everything is kept in memory until it works again";
}

template <typename T>
void push_bounded(std::deque<T>& queue, T value, std::uint64_t& dropped) {
  queue.push_back(std::move(value));
  if (queue.size() <= kMaxMissing) return;
  queue.pop_front();
  ++dropped;
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

bool matches(const Event& event, const EventQuery& query) {
  return event.id > query.after && (!query.service || event.service == *query.service);
}

// Adds the newer of the rows in memory to those from the disk, and keeps the newest `limit`.
template <typename T>
void add_missing(std::vector<T>& rows, std::vector<T> missing, size_t limit) {
  const std::uint64_t newest = rows.empty() ? 0 : rows.back().id;
  for (auto& row : missing) {
    if (row.id > newest) rows.push_back(std::move(row));
  }
  if (rows.size() > limit) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(limit));
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

SqliteStore::SqliteStore(std::string path, const Clock& clock, Retention retention)
    : path_(std::move(path)), clock_(clock), retention_(retention), checkpointer_(path_), reader_(path_) {}

SqliteStore::~SqliteStore() {
  checkpointer_.stop();  // so that the connection below is the last one and clears the log away
  const std::lock_guard lock(mutex_);
  flush(Urgency::kNow);
  try {
    if (database_) database_->set_event_floor(next_event_);  // a clean end leaves no gap in the ids
  } catch (const SQLite::Exception& error) {
    log::debug("cannot note the next event id", {{"path", path_}, {"error", error.what()}});
  }
}

Status SqliteStore::load() {
  const std::lock_guard lock(mutex_);
  try {
    adopt(connect(Trust::kCheck));
  } catch (const SQLite::Exception& error) {
    note_failure(explain(path_, error));
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
  if (auto log = set_foreign_log_aside(path_, clock_.wall())) {
    log::error(*log);
    quarantined_.push_back(std::move(*log));
  }
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
  quarantined_.push_back("the database " + path_ + " can't be used (" + why + ") and was kept as " + *kept +
                         carried_over(loaded));
  log::error(quarantined_.back());
  open_file();
  return loaded;
}

void SqliteStore::disconnect() {
  reader_.close();
  if (database_) database_->abandon();
  database_.reset();
}

void SqliteStore::flush(Urgency urgency) {
  if (missing_.empty() && !degraded_) return;
  if (degraded_ && urgency == Urgency::kWhenDue && clock_.now() < next_attempt_) return;
  for (int attempt = 0;; ++attempt) {
    try {
      write_missing(attempt);
      note_success();
      return;
    } catch (const SQLite::Exception& error) {
      const int code = error.getErrorCode() & 0xff;
      if (code == SQLITE_FULL) checkpointer_.request();  // may make room inside the files there are
      if (is_corruption(error)) disconnect();            // the next attempt checks it
      const int attempts = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? 2 : 1;
      if (is_corruption(error) && attempt < attempts && quarantined_.size() < kMaxQuarantined) continue;
      note_failure(explain(path_, error));
      return;
    }
  }
}

void SqliteStore::write_missing(int attempt) {
  if (!database_) {
    const auto found = connect(attempt < 2 ? Trust::kCheck : Trust::kReplace);
    next_event_ = std::max(next_event_, found.next_event);  // ids of a file that came back
    next_audit_ = std::max(next_audit_, found.next_audit);
    missing_.everything = true;
  }
  const std::uint64_t floor = next_event_ > event_floor_ ? next_event_ + kEventReserve : event_floor_;
  database_->transaction([&] {
    write_rows();
    if (floor != event_floor_) database_->set_event_floor(floor);
  });
  event_floor_ = floor;
}

void SqliteStore::write_rows() {
  write_intents_and_ledgers();
  for (const auto& event : missing_.events) database_->add_event(event);
  for (const auto& record : missing_.audit) database_->add_audit(record);
  database_->prune_events(retention_.max_events);
  database_->prune_audit(retention_.max_audit);
}

void SqliteStore::write_intents_and_ledgers() {
  if (missing_.everything) {
    database_->erase_intents_and_ledgers();
    for (const auto& [service, intent] : intents_) database_->put_intent(service, intent);
    for (const auto& [service, ledger] : ledgers_) database_->put_ledger(service, ledger);
    return;
  }
  for (const auto& service : missing_.intents) {
    const auto it = intents_.find(service);
    it == intents_.end() ? database_->erase_intent(service) : database_->put_intent(service, it->second);
  }
  for (const auto& service : missing_.ledgers) {
    const auto it = ledgers_.find(service);
    it == ledgers_.end() ? database_->erase_ledger(service) : database_->put_ledger(service, it->second);
  }
}

void SqliteStore::note_failure(const std::string& why) {
  if (!degraded_) log::error("the state is kept in memory only", {{"error", why}});
  degraded_ = why;
  next_attempt_ = clock_.now() + kRetryPause;
}

void SqliteStore::note_success() {
  if (degraded_) {
    log::info("the state is on the disk again",
              {{"path", path_}, {"events", missing_.events.size()}, {"lost", missing_.dropped}});
  }
  degraded_.reset();
  missing_ = {};
}

std::map<std::string, Intent> SqliteStore::intents() const {
  const std::lock_guard lock(mutex_);
  return intents_;
}

void SqliteStore::save_intent(const std::string& service, const Intent& intent) {
  const std::lock_guard lock(mutex_);
  const auto [it, added] = intents_.try_emplace(service, intent);
  if (!added && it->second == intent) return;
  it->second = intent;
  missing_.intents.insert(service);
  flush(Urgency::kNow);
}

std::map<std::string, RestartLedger> SqliteStore::ledgers() const {
  const std::lock_guard lock(mutex_);
  return ledgers_;
}

void SqliteStore::save_ledger(const std::string& service, const RestartLedger& ledger) {
  const std::lock_guard lock(mutex_);
  const auto [it, added] = ledgers_.try_emplace(service, ledger);
  if (!added && it->second == ledger) return;
  it->second = ledger;
  missing_.ledgers.insert(service);
  flush(Urgency::kWhenDue);
}

void SqliteStore::forget_service(const std::string& service) {
  const std::lock_guard lock(mutex_);
  if (intents_.erase(service) > 0) missing_.intents.insert(service);
  if (ledgers_.erase(service) > 0) missing_.ledgers.insert(service);
  flush(Urgency::kWhenDue);
}

Event SqliteStore::append_event(Event event) {
  const std::lock_guard lock(mutex_);
  event.id = next_event_++;
  if (event.at == WallTime{}) event.at = clock_.wall();
  push_bounded(missing_.events, event, missing_.dropped);
  flush(Urgency::kWhenDue);
  return event;
}

void SqliteStore::append_audit(AuditRecord record) {
  const std::lock_guard lock(mutex_);
  record.id = next_audit_++;
  if (record.at == WallTime{}) record.at = clock_.wall();
  push_bounded(missing_.audit, std::move(record), missing_.dropped);
  flush(Urgency::kWhenDue);
}

Result<std::vector<Event>> SqliteStore::events(const EventQuery& query) const {
  std::vector<Event> missing;
  bool degraded = false;
  {
    const std::lock_guard lock(mutex_);
    degraded = degraded_.has_value();
    std::copy_if(missing_.events.begin(), missing_.events.end(), std::back_inserter(missing),
                 [&](const Event& event) { return matches(event, query); });
  }
  auto rows = reader_.events(query);
  if (!rows && !degraded) return rows;
  if (!rows) rows = std::vector<Event>();  // the disk is in trouble, memory still answers
  add_missing(*rows, std::move(missing), query.limit);
  return rows;
}

Result<std::vector<AuditRecord>> SqliteStore::audit(size_t limit) const {
  std::vector<AuditRecord> missing;
  bool degraded = false;
  {
    const std::lock_guard lock(mutex_);
    degraded = degraded_.has_value();
    missing.assign(missing_.audit.begin(), missing_.audit.end());
  }
  auto rows = reader_.audit(limit);
  if (!rows && !degraded) return rows;
  if (!rows) rows = std::vector<AuditRecord>();
  add_missing(*rows, std::move(missing), limit);
  return rows;
}

std::optional<std::string> SqliteStore::degraded() const {
  const std::lock_guard lock(mutex_);
  return degraded_;
}

std::vector<std::string> SqliteStore::quarantined() const {
  const std::lock_guard lock(mutex_);
  return quarantined_;
}

void SqliteStore::retry() {
  const std::lock_guard lock(mutex_);
  if (database_ && database_->moved()) {
    log::error("the database was removed or replaced while in use; it is written anew", {{"path", path_}});
    disconnect();
    missing_.everything = true;
  }
  flush(Urgency::kNow);
}

}  // namespace holdfast::state
