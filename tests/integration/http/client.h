// A client that sends exactly the bytes it is told to.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/unique_fd.h"

struct ssl_st;
struct ssl_ctx_st;

namespace holdfast::http::test {

struct Answer {
  int status = 0;
  std::string head;                            // status line and headers
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// Blocking, with a generous bound on every wait: reads then report the end. Not thread-safe.
class Client {
 public:
  enum class Tls { kNo, kYes };
  // "127.0.0.1:80", "[::1]:80" or "unix:/path". `receive_buffer` sets SO_RCVBUF. Throws if nobody accepts.
  explicit Client(const std::string& address, Tls tls = Tls::kNo, int receive_buffer = 0);
  ~Client();
  Client(Client&&) noexcept;
  Client(const Client&) = delete;

  bool send(std::string_view bytes);  // false: the server has closed
  // "GET path" with a Host header, and whatever else is given.
  bool get(const std::string& path, const std::string& fields = "");
  // Next answer; nullopt: the connection ended before it was complete. `to_head`: it has no body.
  std::optional<Answer> read_answer(bool to_head = false);
  std::string read_until(std::string_view text);  // including it; what came if the connection ended first
  std::string read_bytes(size_t count);           // fewer if the connection ended first
  std::string read_to_end();                      // until the server closes
  bool closed();                                  // true once the server closes without sending anything more
  void finish_sending();                          // half-close
  void reset();                                   // closes with RST
  [[nodiscard]] std::string peer_certificate_name() const;
  [[nodiscard]] std::string tls_version() const;
  [[nodiscard]] int fd() const { return fd_.get(); }

  static bool tls_handshake_fails(const std::string& address, int max_version);

 private:
  bool fill();  // false: the connection ended
  struct Free {
    void operator()(ssl_st* ssl) const;
    void operator()(ssl_ctx_st* context) const;
  };
  UniqueFd fd_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_st, Free> ssl_;
  std::string buffer_;
};

}  // namespace holdfast::http::test
