// The registry of products: what has been observed and where its file is.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "controller/base/result.h"
#include "examples/streaming-converter/join.h"

namespace SQLite {
class Database;
}

namespace holdfast::examples {

// Table products(group_id, path, n_channels, first_hz, last_hz, created). Thread-safe.
class Registry {
 public:
  static Result<std::unique_ptr<Registry>> open(const std::string& path);
  ~Registry();
  Status record(const Product& product, const std::string& path);  // idempotent

 private:
  explicit Registry(std::unique_ptr<SQLite::Database> db);
  std::mutex mutex_;
  std::unique_ptr<SQLite::Database> db_;
};

}  // namespace holdfast::examples
