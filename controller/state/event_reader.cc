#include "controller/state/event_reader.h"

#include <algorithm>
#include <limits>

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include "controller/state/codec.h"

namespace holdfast::state {

namespace {

std::int64_t bounded(std::uint64_t value) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
}

// A row that can't be decoded is left out: one bad row must not hide the others.
template <typename Value, typename Decode>
void add_row(SQLite::Statement& query, Decode decode, std::vector<Value>& rows) {
  auto value = decode(query.getColumn(2).getString());
  if (!value) return;
  value->id = static_cast<std::uint64_t>(query.getColumn(0).getInt64());
  value->at = WallTime{Duration{query.getColumn(1).getInt64()}};
  rows.push_back(std::move(*value));
}

tl::unexpected<Error> unreadable(const std::string& path, const SQLite::Exception& error) {
  return fail(ErrorCode::kUnavailable, "cannot read " + path + ": " + error.what(),
              "see the condition of the state directory in /readyz");
}

}  // namespace

EventReader::EventReader(std::string path) : path_(std::move(path)) {}
EventReader::~EventReader() = default;

void EventReader::close() {
  const std::lock_guard lock(mutex_);
  database_.reset();
}

SQLite::Database& EventReader::connection() {
  if (database_) return *database_;
  database_ = std::make_unique<SQLite::Database>(path_, SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX, 1000);
  sqlite3_db_config(database_->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database_->exec("PRAGMA cache_size = -128");
  return *database_;
}

Result<std::vector<Event>> EventReader::events(const EventQuery& query) {
  const std::lock_guard lock(mutex_);
  try {
    std::string sql = "SELECT id, at, body, service FROM events WHERE id > ?1";
    if (query.service) sql += " AND service = ?3";
    SQLite::Statement statement(connection(), sql + " ORDER BY id DESC LIMIT ?2");
    statement.bind(1, bounded(query.after));
    statement.bind(2, bounded(query.limit));
    if (query.service) statement.bind(3, *query.service);
    std::vector<Event> rows;
    while (statement.executeStep()) {
      const size_t before = rows.size();
      add_row(statement, decode_event, rows);
      if (rows.size() > before) rows.back().service = statement.getColumn(3).getString();
    }
    std::reverse(rows.begin(), rows.end());
    return rows;
  } catch (const SQLite::Exception& error) {
    database_.reset();
    return unreadable(path_, error);
  }
}

Result<std::vector<AuditRecord>> EventReader::audit(size_t limit) {
  const std::lock_guard lock(mutex_);
  try {
    SQLite::Statement statement(connection(), "SELECT id, at, body FROM audit ORDER BY id DESC LIMIT ?");
    statement.bind(1, bounded(limit));
    std::vector<AuditRecord> rows;
    while (statement.executeStep()) add_row(statement, decode_audit, rows);
    std::reverse(rows.begin(), rows.end());
    return rows;
  } catch (const SQLite::Exception& error) {
    database_.reset();
    return unreadable(path_, error);
  }
}

}  // namespace holdfast::state
