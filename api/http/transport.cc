#include "api/http/transport.h"

#include <cerrno>
#include <climits>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

namespace holdfast::http {

namespace {

// A client that speaks plain HTTP to a TLS port gets told so, in plain.
constexpr std::string_view kPlainOnTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: 141\r\n"
    "Connection: close\r\n\r\n"
    R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"this port speaks HTTPS",)"
    R"("hint":"use an address that begins with https://"})";

IoResult from_socket(ssize_t result) {
  if (result > 0) return {IoStatus::kDone, static_cast<size_t>(result)};
  if (result == 0) return {IoStatus::kEnd};
  return {errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::kBlocked : IoStatus::kBroken};
}

}  // namespace

IoStatus Transport::ssl_status(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_WRITE:
      wants_write_ = true;
      return IoStatus::kBlocked;
    case SSL_ERROR_WANT_READ:
      return IoStatus::kBlocked;
    case SSL_ERROR_ZERO_RETURN:
      return IoStatus::kEnd;
    default:
      return IoStatus::kBroken;
  }
}

IoStatus Transport::handshake() {
  ERR_clear_error();  // SSL_get_error looks at the thread's queue, which other connections share
  const int result = SSL_accept(ssl_.get());
  if (result == 1) return IoStatus::kDone;
  const auto status = ssl_status(result);
  if (status == IoStatus::kBroken && ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
    ::send(fd_.get(), kPlainOnTls.data(), kPlainOnTls.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  return status;
}

IoResult Transport::read(std::span<char> buffer) {
  if (ssl_) {
    ERR_clear_error();
    const int result = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (result > 0) return {IoStatus::kDone, static_cast<size_t>(result)};
    return {ssl_status(result)};
  }
  ssize_t result = 0;
  do {
    result = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  } while (result < 0 && errno == EINTR);
  return from_socket(result);
}

IoResult Transport::write(std::string_view bytes) {
  if (ssl_) {
    ERR_clear_error();
    const int result =
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), INT_MAX)));
    if (result > 0) return {IoStatus::kDone, static_cast<size_t>(result)};
    return {ssl_status(result)};
  }
  ssize_t result = 0;
  do {
    result = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (result < 0 && errno == EINTR);
  return from_socket(result);
}

void Transport::finish_sending() {
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

void Transport::abandon() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace holdfast::http
