// Listening sockets: TCP over IPv4 and IPv6, and unix sockets.
#pragma once

#include <string>

#include "controller/base/result.h"
#include "controller/base/unique_fd.h"

struct sockaddr_storage;

namespace holdfast::http {

// Owns the socket and, for a unix one, its file. Thread-safe once open.
class Listener {
 public:
  // "127.0.0.1:8010", "[::1]:8010", "[::]:8010" (IPv4 too), "localhost:8010", "unix:/run/holdfast.sock". Port
  // 0 picks a free one. A unix socket gets mode 0660; a file left there is removed only if it is a socket
  // that nobody answers on. kInvalid, kConflict (in use), kPermission.
  static Result<Listener> open(const std::string& address);
  Listener(Listener&& other) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& address() const { return address_; }  // port 0 resolved
  void close();                                                          // and removes the unix socket's file

 private:
  Listener(UniqueFd fd, std::string address) : fd_(std::move(fd)), address_(std::move(address)) {}
  static Result<Listener> open_tcp(const std::string& address);
  static Result<Listener> open_unix(const std::string& path);

  UniqueFd fd_;
  std::string address_;
  std::string path_;                      // of a unix socket
  unsigned long device_ = 0, inode_ = 0;  // of its file, so that a successor's is spared
};

// "127.0.0.1:8010", "[::1]:8010", "unix". IPv4 addresses mapped into IPv6 are shown as IPv4.
std::string format_peer(const sockaddr_storage& address);
std::string format_host(const sockaddr_storage& address);  // without port and brackets; empty for unix

}  // namespace holdfast::http
