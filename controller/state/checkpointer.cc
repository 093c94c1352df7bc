#include "controller/state/checkpointer.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include "controller/base/log.h"

namespace holdfast::state {

void Checkpointer::request() {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  wanted_ = true;
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  wake_.notify_one();
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  thread_ = {};
}

void Checkpointer::work(const std::stop_token& stop) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return wanted_; })) return;
      wanted_ = false;
    }
    checkpoint();
  }
}

// A connection of its own, for the moment: a passive checkpoint holds up neither readers nor the writer.
void Checkpointer::checkpoint() const {
  try {
    SQLite::Database database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX);
    // The log at this path may belong to another database when this connection closes.
    sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    database.execAndGet("PRAGMA wal_checkpoint(PASSIVE)");
  } catch (const SQLite::Exception& error) {
    // Nothing is lost: the log goes on and the next request tries again.
    log::debug("cannot checkpoint the database", {{"path", path_}, {"error", error.what()}});
  }
}

}  // namespace holdfast::state
