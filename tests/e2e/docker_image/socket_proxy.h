// A stand-in for the proxy of docker/compose.socket-proxy.yaml: what its SP_ALLOW_* expressions name gets
// through to the engine's socket, all else is answered 403.
#pragma once

#include <array>
#include <list>
#include <map>
#include <mutex>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "controller/base/unique_fd.h"

namespace holdfast::test {

class SocketProxy {
 public:
  // What each method may reach: the whole path, without the query.
  using Allowed = std::map<std::string, std::regex>;
  static Allowed allowed_in(const std::string& compose_file);

  // Listens on a free port of the loopback from construction on.
  SocketProxy(Allowed allowed, std::string socket);
  ~SocketProxy();
  SocketProxy(const SocketProxy&) = delete;
  SocketProxy& operator=(const SocketProxy&) = delete;

  [[nodiscard]] std::string host() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // "GET /v1.41/info", without repetitions, in the order in which they came first. Thread-safe.
  [[nodiscard]] std::vector<std::string> passed() const;
  [[nodiscard]] std::vector<std::string> refused() const;

 private:
  void accept_all();
  void serve(int client);
  [[nodiscard]] bool let_pass(const std::string& head);

  const Allowed allowed_;
  const std::string socket_;
  UniqueFd listener_, stop_;
  int port_ = 0;
  mutable std::mutex mutex_;  // of the two
  std::vector<std::string> passed_, refused_;
  std::thread acceptor_;
};

}  // namespace holdfast::test
