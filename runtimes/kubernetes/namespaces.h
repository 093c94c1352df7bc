// The namespaces in which this controller has applied anything: what is there and no longer declared is still
// its own to remove, also after it was restarted.
//
//   <file>   one name a line
#pragma once

#include <mutex>
#include <set>
#include <string>

namespace holdfast::kubernetes {

// Thread-safe.
class Namespaces {
 public:
  explicit Namespaces(std::string file);  // empty: kept in memory only. A file that can't be read is no file
  void add(const std::string& name);      // written at once; a failure is only logged
  [[nodiscard]] std::set<std::string> all() const;

 private:
  const std::string file_;
  mutable std::mutex mutex_;
  std::set<std::string> names_;
};

}  // namespace holdfast::kubernetes
