// A unix socket in front of another one, as the way to a server that goes on running: cut, closed and opened
// again by a test.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "controller/base/unique_fd.h"

namespace holdfast::test {

// Open from construction on. Not thread-safe, but for refused().
class UnixProxy {
 public:
  UnixProxy(std::string path, std::string target);
  ~UnixProxy();
  UnixProxy(const UnixProxy&) = delete;
  UnixProxy& operator=(const UnixProxy&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string host() const { return "unix://" + path_; }
  void cut();    // ends every connection; new ones are taken
  void close();  // the same, and the socket is gone
  void open();   // after close()
  // Cuts each connection on which the client says this from now on ("/stats"); empty: none.
  void refuse(const std::string& text);
  [[nodiscard]] int refused() const { return refused_; }  // how often that happened

 private:
  struct Connection {
    ~Connection();
    void cut() const;
    UniqueFd client, server;
    std::atomic<int> open_ways{2};
    std::thread there, back;
  };

  void accept_all();
  void forward(Connection& connection, bool there);
  [[nodiscard]] bool is_refused(std::string_view bytes);

  const std::string path_, target_;
  UniqueFd listener_, stop_;
  std::mutex mutex_;  // of all below
  std::string refuse_;
  std::list<std::unique_ptr<Connection>> connections_;
  std::atomic<int> refused_ = 0;
  std::thread acceptor_;
};

}  // namespace holdfast::test
