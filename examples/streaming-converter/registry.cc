#include "examples/streaming-converter/registry.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "controller/base/clock.h"
#include "examples/streaming-converter/queue.h"

namespace holdfast::examples {

Registry::Registry(std::unique_ptr<SQLite::Database> db) : db_(std::move(db)) {}
Registry::~Registry() = default;

Result<std::unique_ptr<Registry>> Registry::open(const std::string& path) {
  try {
    auto db = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                                                 kBusyTimeoutMs);
    db->exec("PRAGMA journal_mode=WAL");
    db->exec(
        "CREATE TABLE IF NOT EXISTS products (group_id TEXT PRIMARY KEY, path TEXT NOT NULL, "
        "n_channels INTEGER NOT NULL, first_hz REAL NOT NULL, last_hz REAL NOT NULL, created TEXT NOT NULL)");
    return std::unique_ptr<Registry>(new Registry(std::move(db)));
  } catch (const SQLite::Exception& e) {
    return fail(ErrorCode::kUnavailable, "cannot open the registry " + path + ": " + e.what());
  }
}

Status Registry::record(const Product& product, const std::string& path) {
  const std::lock_guard lock(mutex_);
  try {
    SQLite::Statement insert(*db_, "INSERT OR REPLACE INTO products VALUES (?, ?, ?, ?, ?, ?)");
    insert.bind(1, product.group);
    insert.bind(2, path);
    insert.bind(3, static_cast<std::int64_t>(product.channels));
    insert.bind(4, product.first_hz);
    insert.bind(5, product.last_hz);
    insert.bind(6, format_rfc3339(SystemClock().wall()));
    insert.exec();
    return {};
  } catch (const SQLite::Exception& e) {
    return fail(ErrorCode::kUnavailable, "cannot record " + product.group + " in the registry: " + e.what());
  }
}

}  // namespace holdfast::examples
