#include "examples/streaming-converter/queue.h"

#include <SQLiteCpp/SQLiteCpp.h>

namespace holdfast::examples {

namespace {

constexpr const char* kSchema = R"sql(
  CREATE TABLE IF NOT EXISTS ingest_queue (
    group_id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    received_at REAL NOT NULL,             -- first subband seen; times are Unix seconds
    last_update REAL NOT NULL,
    subbands INTEGER NOT NULL DEFAULT 0,   -- arrived so far
    attempts INTEGER NOT NULL DEFAULT 0,   -- claims
    failures INTEGER NOT NULL DEFAULT 0,   -- attempts that ended with an error
    crashes INTEGER NOT NULL DEFAULT 0,    -- attempts during which the converter died
    retry_at REAL NOT NULL DEFAULT 0,
    error TEXT,
    product TEXT
  );
  CREATE INDEX IF NOT EXISTS ingest_queue_state ON ingest_queue (state, received_at);
  -- One line per completion, deliberately without a unique key: it would show a group completed twice.
  CREATE TABLE IF NOT EXISTS completions (group_id TEXT NOT NULL, completed_at REAL NOT NULL);
)sql";

double unix_now() {
  return std::chrono::duration<double>(SystemClock().wall().time_since_epoch()).count();
}

double to_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Queue::Queue(std::unique_ptr<SQLite::Database> db) : db_(std::move(db)) {}
Queue::~Queue() = default;

template <typename Body>
auto Queue::guarded(const char* what, Body&& body) -> Result<std::invoke_result_t<Body>> {
  const std::lock_guard lock(mutex_);
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      std::forward<Body>(body)();
      return {};
    } else {
      return std::forward<Body>(body)();
    }
  } catch (const SQLite::Exception& e) {
    return fail(ErrorCode::kUnavailable, std::string("queue: cannot ") + what + ": " + e.what());
  }
}

Result<std::unique_ptr<Queue>> Queue::open(const std::string& path) {
  try {
    auto db = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                                                 kBusyTimeoutMs);
    db->exec("PRAGMA journal_mode=WAL");
    // After a power cut the last transactions may be missing, but never half there: those groups are claimed
    // again, and find their product in place.
    db->exec("PRAGMA synchronous=NORMAL");
    db->exec(kSchema);
    return std::unique_ptr<Queue>(new Queue(std::move(db)));
  } catch (const SQLite::Exception& e) {
    return fail(ErrorCode::kUnavailable, "cannot open the queue " + path + ": " + e.what());
  }
}

Result<int> Queue::recover() {
  return guarded("recover", [&] {
    SQLite::Statement update(*db_,
                             "UPDATE ingest_queue SET state='resuming', crashes=crashes+1, last_update=? "
                             "WHERE state='in_progress'");
    update.bind(1, unix_now());
    return update.exec();
  });
}

Result<std::vector<std::string>> Queue::settled_groups() {
  return guarded("list groups", [&] {
    std::vector<std::string> groups;
    SQLite::Statement query(*db_, "SELECT group_id FROM ingest_queue WHERE state<>'collecting'");
    while (query.executeStep()) groups.push_back(query.getColumn(0).getString());
    return groups;
  });
}

Status Queue::record(const std::vector<Arrival>& arrivals) {
  return guarded("record arrivals", [&] {
    SQLite::Transaction transaction(*db_);
    SQLite::Statement upsert(
        *db_,
        "INSERT INTO ingest_queue (group_id, state, received_at, last_update, subbands) VALUES "
        "(?1,?2,?3,?3,?4) "
        "ON CONFLICT (group_id) DO UPDATE SET state=?2, last_update=?3, subbands=?4, error=NULL "
        "WHERE state='collecting'");
    for (const auto& arrival : arrivals) {
      upsert.reset();
      upsert.bind(1, arrival.group);
      upsert.bind(2, arrival.complete ? "pending" : "collecting");
      upsert.bind(3, unix_now());
      upsert.bind(4, arrival.subbands);
      upsert.exec();
    }
    transaction.commit();
  });
}

Result<std::vector<std::string>> Queue::mark_overdue(Duration age, int expected) {
  return guarded("mark overdue groups", [&] {
    std::vector<std::string> groups;
    SQLite::Statement update(
        *db_,
        "UPDATE ingest_queue SET error='incomplete: '||subbands||' of '||?1||' subbands' "
        "WHERE state='collecting' AND error IS NULL AND last_update<?2 RETURNING group_id");
    update.bind(1, expected);
    update.bind(2, unix_now() - to_seconds(age));
    while (update.executeStep()) groups.push_back(update.getColumn(0).getString());
    return groups;
  });
}

Result<std::optional<Claim>> Queue::claim(Duration retry_delay) {
  return guarded("claim", [&]() -> std::optional<Claim> {
    // A retry further away than the delay itself means that the wall clock went back: due now.
    SQLite::Statement update(
        *db_,
        "UPDATE ingest_queue SET state='in_progress', attempts=attempts+1, last_update=?1 "
        "WHERE group_id=(SELECT group_id FROM ingest_queue WHERE state='resuming' OR "
        "(state='pending' AND (retry_at<=?1 OR retry_at>?1+?2)) "
        "ORDER BY state='resuming' DESC, received_at, group_id LIMIT 1) "
        "RETURNING group_id, attempts, crashes");
    update.bind(1, unix_now());
    update.bind(2, to_seconds(retry_delay));
    if (!update.executeStep()) return {};
    Claim claim{update.getColumn(0).getString(), update.getColumn(1).getInt(), update.getColumn(2).getInt()};
    update.executeStep();  // to the end: only then is the change committed
    return claim;
  });
}

Status Queue::complete(const std::string& group, const std::string& product) {
  return guarded("complete", [&] {
    SQLite::Transaction transaction(*db_);
    SQLite::Statement update(*db_,
                             "UPDATE ingest_queue SET state='completed', last_update=?1, error=NULL, "
                             "product=?2 WHERE group_id=?3 AND state='in_progress'");
    update.bind(1, unix_now());
    update.bind(2, product);
    update.bind(3, group);
    if (update.exec() == 1) {
      SQLite::Statement insert(*db_, "INSERT INTO completions VALUES (?, ?)");
      insert.bind(1, group);
      insert.bind(2, unix_now());
      insert.exec();
    }
    transaction.commit();
  });
}

Result<bool> Queue::fail_attempt(const std::string& group, const Error& error, Duration retry_delay) {
  return guarded("record a failure", [&] {
    SQLite::Statement update(
        *db_,
        "UPDATE ingest_queue SET failures=failures+1, error=?1, last_update=?2, retry_at=?3, "
        "state=CASE WHEN failures+1>=?4 THEN 'failed' ELSE 'pending' END "
        "WHERE group_id=?5 AND state='in_progress' RETURNING state='failed'");
    update.bind(1, error.message);
    update.bind(2, unix_now());
    update.bind(3, unix_now() + to_seconds(retry_delay));
    update.bind(4, kMaxFailures);
    update.bind(5, group);
    bool failed = false;
    while (update.executeStep()) failed = update.getColumn(0).getInt() != 0;
    return failed;
  });
}

Result<std::map<std::string, int>> Queue::counts() {
  return guarded("count", [&] {
    std::map<std::string, int> counts;
    SQLite::Statement query(*db_, "SELECT state, COUNT(*) FROM ingest_queue GROUP BY state");
    while (query.executeStep()) counts[query.getColumn(0).getString()] = query.getColumn(1).getInt();
    return counts;
  });
}

}  // namespace holdfast::examples
