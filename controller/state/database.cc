#include "controller/state/database.h"

#include <array>
#include <utility>

#include <SQLiteCpp/VariadicBind.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"
#include "controller/state/codec.h"
#include "controller/state/codec_fields.h"
#include "controller/state/quarantine.h"

namespace holdfast::state {

namespace {

constexpr int kSchemaVersion = 1;
constexpr int kBusyTimeoutMs = 50;  // another program reads the file for a moment
constexpr size_t kPruneBatch = 64;  // rows above the bound before some are deleted; twice that are

constexpr std::array<std::pair<const char*, const char*>, 6> kSchema{{
    {"meta", "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID"},
    {"intents", "CREATE TABLE intents(service TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID"},
    {"ledgers", "CREATE TABLE ledgers(service TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID"},
    {"events",
     "CREATE TABLE events(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, service TEXT NOT NULL, body TEXT NOT "
     "NULL)"},
    {"events_by_service", "CREATE INDEX events_by_service ON events(service, id)"},
    {"audit", "CREATE TABLE audit(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL)"},
}};

// SQLite would create it readable for all; it tells who did what.
std::string prepare_file(const std::string& path) {
  if (exists(path)) return path;  // and don't open it: closing it again would drop SQLite's own locks
  const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  return path;
}

bool is_empty(SQLite::Database& database) {
  return database.execAndGet("SELECT COUNT(*) FROM sqlite_schema").getInt() == 0 &&
         database.execAndGet("PRAGMA user_version").getInt() == 0;
}

void check_schema(SQLite::Database& database) {
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version != kSchemaVersion) {
    throw SQLite::Exception("it has schema version " + std::to_string(version) + ", this program knows " +
                                std::to_string(kSchemaVersion),
                            SQLITE_NOTADB);
  }
  SQLite::Statement query(database, "SELECT sql FROM sqlite_schema WHERE name = ?");
  for (const auto& [name, sql] : kSchema) {
    query.reset();
    query.bind(1, name);
    if (query.executeStep() && query.getColumn(0).getString() == sql) continue;
    throw SQLite::Exception(std::string("its table ") + name + " is missing or has other columns",
                            SQLITE_NOTADB);
  }
}

void create_schema(SQLite::Database& database) {
  database.exec("BEGIN IMMEDIATE");
  for (const auto& [name, sql] : kSchema) database.exec(sql);
  database.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  database.exec("COMMIT");
}

void check_integrity(SQLite::Database& database) {
  const auto verdict = database.execAndGet("PRAGMA quick_check(1)").getString();
  if (verdict != "ok") throw SQLite::Exception(verdict, SQLITE_CORRUPT);
}

void set_pragmas(SQLite::Database& database) {
  database.exec(
      "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -256; PRAGMA temp_store = MEMORY;"
      "PRAGMA journal_size_limit = 8388608");
}

template <typename Value, typename Decode>
void load_rows(SQLite::Database& database, const char* table, Decode decode,
               std::map<std::string, Value>& into, std::vector<std::string>& unreadable) {
  SQLite::Statement query(database, std::string("SELECT service, body FROM ") + table);
  while (query.executeStep()) {
    const auto service = query.getColumn(0).getString();
    if (auto value = decode(query.getColumn(1).getString()))
      into.emplace(service, std::move(*value));
    else
      unreadable.push_back("the entry of service " + service + " in table " + table +
                           " can't be read and is ignored; the next change of the service replaces it");
  }
}

std::uint64_t next_id(SQLite::Database& database, const char* table) {
  const auto query = std::string("SELECT COALESCE(MAX(id), 0) + 1 FROM ") + table;
  return static_cast<std::uint64_t>(database.execAndGet(query).getInt64());
}

void leave_log_at_close(SQLite::Database& database) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

// Exclusive mode keeps the index of the log in memory instead of in a file.
SQLite::Database open_alone(const std::string& path) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, kBusyTimeoutMs);
  leave_log_at_close(database);
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  return database;
}

size_t count_rows(SQLite::Database& database, const char* table) {
  return static_cast<size_t>(database.execAndGet(std::string("SELECT COUNT(*) FROM ") + table).getInt64());
}

// Leaves a statement ready for its next use, whatever happens to this one.
class Use {
 public:
  explicit Use(SQLite::Statement& statement) : statement_(statement) {}
  ~Use() {
    statement_.tryReset();
    statement_.clearBindings();
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  SQLite::Statement& statement_;
};

template <typename... Values>
void run(SQLite::Statement& statement, const Values&... values) {
  const Use use(statement);
  SQLite::bind(statement, values...);
  statement.exec();
}

std::int64_t signed_id(std::uint64_t id) {
  return static_cast<std::int64_t>(id);
}

}  // namespace

Database::Database(const std::string& path, std::function<void(int)> on_commit)
    : on_commit_(std::move(on_commit)),
      database_(prepare_file(path), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
                kBusyTimeoutMs) {
  database_.execAndGet("PRAGMA journal_mode = WAL");
  set_pragmas(database_);
  if (is_empty(database_)) create_schema(database_);
  check_schema(database_);
  check_integrity(database_);
  events_ = count_rows(database_, "events");
  audits_ = count_rows(database_, "audit");
  // Takes the place of SQLite's own checkpoint inside a commit, which would wait for the disk.
  sqlite3_wal_hook(
      database_.getHandle(),
      [](void* self, sqlite3*, const char*, int pages) {
        const auto* database = static_cast<Database*>(self);
        if (database->on_commit_) database->on_commit_(pages);
        return SQLITE_OK;
      },
      this);
}

Database::~Database() = default;

SQLite::Statement& Database::statement(std::unique_ptr<SQLite::Statement>& slot, const char* sql) {
  if (!slot) slot = std::make_unique<SQLite::Statement>(database_, sql);
  return *slot;
}

void Database::transaction(const std::function<void()>& work) {
  run(statement(begin_, "BEGIN IMMEDIATE"));
  try {
    work();
    run(statement(commit_, "COMMIT"));
  } catch (const SQLite::Exception&) {
    // Some errors have rolled it back already, then this one says so.
    if (sqlite3_get_autocommit(database_.getHandle()) == 0) database_.tryExec("ROLLBACK");
    throw;
  }
}

void Database::put_intent(const std::string& service, const Intent& intent) {
  run(statement(put_intent_, "INSERT OR REPLACE INTO intents VALUES (?, ?)"), service, encode(intent));
}

void Database::erase_intent(const std::string& service) {
  run(statement(erase_intent_, "DELETE FROM intents WHERE service = ?"), service);
}

void Database::put_ledger(const std::string& service, const RestartLedger& ledger) {
  run(statement(put_ledger_, "INSERT OR REPLACE INTO ledgers VALUES (?, ?)"), service, encode(ledger));
}

void Database::erase_ledger(const std::string& service) {
  run(statement(erase_ledger_, "DELETE FROM ledgers WHERE service = ?"), service);
}

void Database::erase_intents_and_ledgers() {
  database_.exec("DELETE FROM intents; DELETE FROM ledgers");
}

void Database::add_event(const Event& event) {
  run(statement(add_event_, "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)"), signed_id(event.id),
      to_ns(event.at), event.service, encode_body(event));
  ++events_;
}

void Database::add_audit(const AuditRecord& record) {
  run(statement(add_audit_, "INSERT OR IGNORE INTO audit VALUES (?, ?, ?)"), signed_id(record.id),
      to_ns(record.at), encode_body(record));
  ++audits_;
}

void Database::set_event_floor(std::uint64_t floor) {
  run(statement(set_floor_, "INSERT OR REPLACE INTO meta VALUES ('event_floor', ?)"), signed_id(floor));
}

void Database::prune(std::unique_ptr<SQLite::Statement>& slot, const char* sql, size_t keep, size_t& count) {
  if (count < keep + kPruneBatch) return;
  const size_t excess = std::min(count - keep, 2 * kPruneBatch);
  run(statement(slot, sql), static_cast<std::int64_t>(excess));
  count -= excess;
}

void Database::prune_events(size_t keep) {
  prune(prune_events_, "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?)", keep,
        events_);
}

void Database::prune_audit(size_t keep) {
  prune(prune_audit_, "DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?)", keep,
        audits_);
}

bool Database::moved() {
  int moved = 0;
  const int rc = sqlite3_file_control(database_.getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return rc == SQLITE_OK && moved != 0;
}

Loaded Database::load(SQLite::Database& database) {
  Loaded loaded;
  load_rows(database, "intents", decode_intent, loaded.intents, loaded.unreadable);
  load_rows(database, "ledgers", decode_ledger, loaded.ledgers, loaded.unreadable);
  loaded.next_audit = next_id(database, "audit");
  loaded.next_event = next_id(database, "events");
  const auto floor =
      database.execAndGet("SELECT COALESCE(MAX(value), 0) FROM meta WHERE key = 'event_floor'");
  loaded.next_event = std::max(loaded.next_event, static_cast<std::uint64_t>(floor.getInt64()));
  return loaded;
}

void Database::abandon() {
  leave_log_at_close(database_);
}

Loaded Database::load_without_writing(const std::string& path) {
  auto database = open_alone(path);
  if (is_empty(database)) return {};
  check_schema(database);
  return load(database);
}

Loaded Database::salvage(const std::string& path) {
  Loaded loaded;
  const auto attempt = [](const auto& read) {
    try {
      read();
    } catch (const SQLite::Exception&) {
      return;  // lost; the caller tells what was found
    }
  };
  attempt([&] {
    auto database = open_alone(path);
    attempt([&] { load_rows(database, "intents", decode_intent, loaded.intents, loaded.unreadable); });
    attempt([&] { load_rows(database, "ledgers", decode_ledger, loaded.ledgers, loaded.unreadable); });
  });
  struct stat log{};
  if (stat((path + "-wal").c_str(), &log) == 0 && log.st_size == 0) unlink((path + "-wal").c_str());
  return loaded;
}

bool is_corruption(const SQLite::Exception& error) {
  const int code = error.getErrorCode() & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_SCHEMA || code == SQLITE_FORMAT ||
         code == SQLITE_ERROR;
}

}  // namespace holdfast::state
