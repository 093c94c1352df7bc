// Bytes in and out of one accepted, non-blocking socket, plain or through TLS.
#pragma once

#include <span>
#include <string_view>

#include "api/http/tls.h"
#include "controller/base/unique_fd.h"

namespace holdfast::http {

enum class IoStatus {
  kDone,     // `bytes` moved, at least one; for a handshake: complete
  kEnd,      // the peer will send no more; it may still read
  kBlocked,  // try when the socket is ready again
  kBroken,
};
struct IoResult {
  IoStatus status = IoStatus::kBlocked;
  size_t bytes = 0;
};

// Not thread-safe. Never raises SIGPIPE on a plain socket; OpenSSL does, so the server ignores that signal.
class Transport {
 public:
  Transport(UniqueFd fd, SslPtr ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }
  IoStatus handshake();
  IoResult read(std::span<char> buffer);
  IoResult write(std::string_view bytes);
  void finish_sending();  // tells the peer that no more comes
  void abandon();  // closing will throw away what the peer hasn't taken, instead of keeping it in the kernel
  // TLS may need to write in order to read. True once after such a call.
  bool take_wants_write() { return std::exchange(wants_write_, false); }

 private:
  IoStatus ssl_status(int result);

  UniqueFd fd_;
  SslPtr ssl_;
  bool wants_write_ = false;
};

}  // namespace holdfast::http
