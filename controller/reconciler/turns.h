// Bounds how many services at a time are worked on that may keep their worker waiting for somebody else, such
// as an engine that hangs. Who gets no turn waits here, not in a worker.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace holdfast::reconciler {

// Thread-safe.
class Turns {
 public:
  void set_limit(size_t limit);  // before the first; without it there is none
  // False: all are taken; the key is kept, once, until an end() gives it back.
  bool take(const std::string& key);
  // After a take() that was true. A key that waited: it is to be queued again.
  std::optional<std::string> end();

 private:
  std::mutex mutex_;
  std::optional<size_t> limit_;
  size_t taken_ = 0;
  std::deque<std::string> waiting_;
  std::set<std::string> waits_;
};

}  // namespace holdfast::reconciler
