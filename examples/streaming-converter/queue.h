// The work queue: which group is in which state, in SQLite, so that it survives a crash and that others may
// read it.
//
//   collecting --all subbands there--> pending --claim--> in_progress --> completed
//                                         ^                   | |
//                                         +-----failure-------+ +--too many failures--> failed
//   in_progress --the converter died--> resuming --claim--> in_progress
//
// A claim is written before the work starts and the completion after the product is in place, so a crash at
// any point leaves the group to be claimed once more; a product already in place is then only recorded.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace SQLite {
class Database;
}

namespace holdfast::examples {

struct Claim {
  std::string group;
  int attempts = 0;  // this one included
  int crashes = 0;   // attempts during which the whole converter died
};

struct Arrival {
  std::string group;
  int subbands = 0;
  bool complete = false;
};

inline constexpr int kBusyTimeoutMs = 5000;  // how long SQLite waits for another writer
inline constexpr int kMaxFailures = 3;
// Thread-safe. Other processes may read the file at any time (write-ahead log); only one converter may own
// it.
class Queue {
 public:
  static Result<std::unique_ptr<Queue>> open(const std::string& path);
  ~Queue();

  // What an earlier run left in progress becomes resuming; call before the first claim. Gives how many.
  Result<int> recover();
  // Groups that have left the collecting state: nothing that arrives concerns them any more.
  Result<std::vector<std::string>> settled_groups();
  Status record(const std::vector<Arrival>& arrivals);
  // Marks groups that have been incomplete for longer than age, once each, and gives them; they stay
  // collecting.
  Result<std::vector<std::string>> mark_overdue(Duration age, int expected);

  Result<std::optional<Claim>> claim(Duration retry_delay);  // resuming first, then the oldest pending
  Status complete(const std::string& group, const std::string& product);
  // Pending again, or after kMaxFailures failed. True: failed for good.
  Result<bool> fail_attempt(const std::string& group, const Error& error, Duration retry_delay);

  Result<std::map<std::string, int>> counts();  // by state

 private:
  explicit Queue(std::unique_ptr<SQLite::Database> db);
  template <typename Body>
  auto guarded(const char* what, Body&& body) -> Result<std::invoke_result_t<Body>>;

  std::mutex mutex_;
  std::unique_ptr<SQLite::Database> db_;
};

}  // namespace holdfast::examples
