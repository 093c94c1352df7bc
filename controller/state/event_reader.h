// Reads events and audit records for the API over a connection of its own, so that a long answer never holds
// up a write.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/model/control_plane.h"
#include "controller/model/event.h"

namespace SQLite {
class Database;
}

namespace holdfast::state {

// Thread-safe.
class EventReader {
 public:
  explicit EventReader(std::string path);
  ~EventReader();
  // The newest that match, oldest first. kUnavailable when the database can't be read.
  Result<std::vector<Event>> events(const EventQuery& query);
  Result<std::vector<AuditRecord>> audit(size_t limit);
  void close();  // before the file is replaced

 private:
  SQLite::Database& connection();

  const std::string path_;
  std::mutex mutex_;
  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace holdfast::state
