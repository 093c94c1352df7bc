#include "controller/state/sqlite_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <sqlite3.h>

#include "controller/base/log.h"

namespace holdfast::state {

namespace {

constexpr size_t kMaxMissing = 10'000;         // events, and audit records, held while the disk takes none
constexpr std::uint64_t kEventReserve = 1000;  // ids announced to the disk ahead of their use
constexpr Duration kRetryPause = std::chrono::seconds{1};

template <typename T>
void push_bounded(std::deque<T>& queue, T value, std::uint64_t& dropped) {
  queue.push_back(std::move(value));
  if (queue.size() <= kMaxMissing) return;
  queue.pop_front();
  ++dropped;
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

}  // namespace

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
      note_failure(explain(error));
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

std::string SqliteStore::explain(const SQLite::Exception& error) const {
  const std::string what = "cannot write " + path_ + ": " + error.what();
  if ((error.getErrorCode() & 0xff) == SQLITE_FULL)
    return what + "; free some space, everything is kept in memory until then";
  return what + "; everything is kept in memory until it works again";
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
