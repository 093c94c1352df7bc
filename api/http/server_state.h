// What the threads of one server share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "api/http/server.h"

namespace holdfast::http {

// Thread-safe; options and routes don't change.
class ServerState {
 public:
  ServerState(Options options, std::vector<Route> routes);

  const Options options;
  const std::vector<Route> routes;
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> requests{0}, accepted{0}, refused{0}, streams{0};
  std::atomic<size_t> body_bytes{0};  // of the bodies being received

  [[nodiscard]] std::uint64_t open() const { return open_.load(); }
  void connection_opened() { open_.fetch_add(1); }
  void connection_closed();
  // False if connections are left after `grace`.
  bool wait_until_closed(std::chrono::milliseconds grace);

  std::string next_request_id();  // "3f9c01d2-00000a17": this server's run, and a count
  // Tells the auditor, if the method is one that changes things.
  void audit(const Request& request, const Response& response) const;

 private:
  std::atomic<std::uint64_t> open_{0};
  std::atomic<std::uint32_t> next_id_{0};
  std::string run_;
  std::mutex mutex_;
  std::condition_variable closed_;
};

}  // namespace holdfast::http
