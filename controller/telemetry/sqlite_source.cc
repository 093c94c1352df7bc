#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "controller/telemetry/sources.h"

namespace holdfast::telemetry {

namespace {

constexpr int kBusyTimeoutMs = 250;
constexpr int kStepsPerLook = 1000;  // of SQLite's virtual machine, between two looks at the time
constexpr size_t kMaxRows = 1000;
constexpr size_t kMaxLabel = 256;

// https://sqlite.org/uri.html: "?", "#" and "%" have a meaning there.
std::string read_only_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    switch (c) {
      case '?':
        uri += "%3f";
        break;
      case '#':
        uri += "%23";
        break;
      case '%':
        uri += "%25";
        break;
      default:
        uri += c;
    }
  }
  return uri + "?mode=ro";
}

// Anything but a plain file (a FIFO, say) could block the open for ever.
Status check_file(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return fail(errno_error("cannot open the database " + path, errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kInvalid, path + " is not a file");
  return {};
}

class Deadline {
 public:
  Deadline(SQLite::Database& database, Duration within) : end_(std::chrono::steady_clock::now() + within) {
    sqlite3_progress_handler(
        database.getHandle(), kStepsPerLook,
        [](void* self) -> int {
          return std::chrono::steady_clock::now() > static_cast<Deadline*>(self)->end_ ? 1 : 0;
        },
        this);
  }

 private:
  std::chrono::steady_clock::time_point end_;
};

std::string label_of(const SQLite::Column& column) {
  if (column.isNull()) return "null";
  return column.getString().substr(0, kMaxLabel);
}

Status take_row(SQLite::Statement& query, Values& values) {
  const auto label = label_of(query.getColumn(0));
  const auto number = query.getColumn(1);
  if (number.isNull()) return {};
  if (!number.isInteger() && !number.isFloat())
    return fail(ErrorCode::kInvalid, "the second column of row \"" + label + "\" is not a number");
  values[label] = number.getDouble();
  if (values.size() <= kMaxRows) return {};
  return fail(ErrorCode::kInvalid, "the query gives more than " + std::to_string(kMaxRows) + " rows");
}

Error explain(const SQLite::Exception& error, const std::string& path) {
  const std::string where = path + ": ";
  switch (error.getErrorCode() & 0xff) {
    case SQLITE_INTERRUPT:
      return {ErrorCode::kTimeout, where + "the query takes too long", {}, false, {}};
    case SQLITE_ERROR:
      return {ErrorCode::kInvalid, where + error.what(), {}, false, {}};
    default:
      return {ErrorCode::kUnavailable, where + error.what(), {}, false, {}};
  }
}

}  // namespace

Result<Values> read_sqlite(const SqliteCollector& source, const std::string& path, Duration deadline) {
  if (auto usable = check_file(path); !usable) return tl::unexpected(usable.error());
  try {
    SQLite::Database database(
        read_only_uri(path), SQLite::OPEN_READONLY | SQLite::OPEN_URI | SQLite::OPEN_NOMUTEX, kBusyTimeoutMs);
    const Deadline limit(database, deadline);
    database.exec("PRAGMA query_only = ON; PRAGMA cache_size = -256");
    SQLite::Statement query(database, source.query);
    if (query.getColumnCount() != 2) {
      return fail(ErrorCode::kInvalid, "the query must give two columns, label and number, not " +
                                           std::to_string(query.getColumnCount()));
    }
    Values values;
    while (query.executeStep()) {
      if (auto taken = take_row(query, values); !taken) return tl::unexpected(taken.error());
    }
    return values;
  } catch (const SQLite::Exception& error) {
    return fail(explain(error, path));
  }
}

}  // namespace holdfast::telemetry
