// A server of few wits for tests: one thread on a free loopback port, one request per connection.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controller/base/unique_fd.h"

namespace holdfast::test {

// Answers with whatever bytes the handler returns and closes; nullopt leaves the connection open in silence
// until the server ends.
class TinyServer {
 public:
  // Gets everything up to the blank line that ends the request's head.
  using Handler = std::function<std::optional<std::string>(const std::string& head)>;
  explicit TinyServer(Handler handler);
  ~TinyServer();
  TinyServer(const TinyServer&) = delete;
  TinyServer& operator=(const TinyServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int requests() const { return requests_; }

  // "HTTP/1.1 200 OK" with a length and a body.
  static std::string reply(const std::string& status, const std::string& body = {},
                           const std::string& headers = {});
  // For a handler: the bytes are sent, then the connection stays open in silence.
  static std::string then_silence(const std::string& bytes);

 private:
  void serve();
  void answer(UniqueFd connection);

  Handler handler_;
  UniqueFd listener_, stop_;
  int port_ = 0;
  std::atomic<int> requests_{0};
  std::vector<UniqueFd> silent_;
  std::thread thread_;
};

// A loopback port on which nobody listens (bound, so that nobody else gets it meanwhile).
class DeafPort {
 public:
  DeafPort();
  [[nodiscard]] int port() const { return port_; }

 private:
  UniqueFd socket_;
  int port_ = 0;
};

}  // namespace holdfast::test
