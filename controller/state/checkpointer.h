// Moves the write-ahead log into the database on a thread of its own, because that waits for the disk.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace holdfast::state {

// Thread-safe. The thread begins with the first request.
class Checkpointer {
 public:
  explicit Checkpointer(std::string path) : path_(std::move(path)) {}
  void request();
  void stop();  // waits for a checkpoint under way; later requests do nothing

 private:
  void work(const std::stop_token& stop);
  void checkpoint() const;

  const std::string path_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool wanted_ = false, stopped_ = false;
  std::jthread thread_;  // last: ends before what it uses
};

}  // namespace holdfast::state
