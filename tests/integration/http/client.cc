#include "tests/integration/http/client.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "api/http/text.h"

namespace holdfast::http::test {

namespace {

constexpr time_t kPatienceSeconds = 60;

UniqueFd connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

UniqueFd connect_tcp(const std::string& address, int receive_buffer) {
  const auto colon = address.rfind(':');
  const auto port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  const bool v6 = address.starts_with('[');
  sockaddr_in v4_address{};
  sockaddr_in6 v6_address{};
  v4_address.sin_family = AF_INET;
  v4_address.sin_port = port;
  v6_address.sin6_family = AF_INET6;
  v6_address.sin6_port = port;
  if (v6) {
    inet_pton(AF_INET6, address.substr(1, colon - 2).c_str(), &v6_address.sin6_addr);
  } else {
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &v4_address.sin_addr);
  }
  UniqueFd fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (receive_buffer > 0)
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const auto* target =
      v6 ? reinterpret_cast<sockaddr*>(&v6_address) : reinterpret_cast<sockaddr*>(&v4_address);
  const socklen_t size = v6 ? sizeof v6_address : sizeof v4_address;
  if (::connect(fd.get(), target, size) != 0) fd.reset();
  return fd;
}

UniqueFd connect_to(const std::string& address, int receive_buffer) {
  auto fd =
      address.starts_with("unix:") ? connect_unix(address.substr(5)) : connect_tcp(address, receive_buffer);
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return fd;
}

}  // namespace

void Client::Free::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}
void Client::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Client::Client(const std::string& address, Tls tls, int receive_buffer)
    : fd_(connect_to(address, receive_buffer)) {
  if (!fd_) throw std::runtime_error("cannot connect to " + address + ": " + std::strerror(errno));
  if (tls == Tls::kNo) return;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), fd_.get());
  ERR_clear_error();
  if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error("TLS handshake with " + address + " failed");
}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

bool Client::tls_handshake_fails(const std::string& address, int max_version) {
  const auto fd = connect_to(address, 0);
  const std::unique_ptr<ssl_ctx_st, Free> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), max_version);
  const std::unique_ptr<ssl_st, Free> ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), fd.get());
  ERR_clear_error();
  return SSL_connect(ssl.get()) != 1;
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    const auto sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                           : static_cast<int>(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Client::get(const std::string& path, const std::string& fields) {
  return send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
}

bool Client::fill() {
  std::array<char, 64u << 10> bytes;
  ERR_clear_error();
  const auto got = ssl_ ? SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                        : static_cast<int>(::recv(fd_.get(), bytes.data(), bytes.size(), 0));
  if (got <= 0) return false;
  buffer_.append(bytes.data(), static_cast<size_t>(got));
  return true;
}

std::string Client::read_until(std::string_view text) {
  size_t from = 0;
  for (;;) {
    const auto at = buffer_.find(text, from);
    if (at != std::string::npos) {
      auto out = buffer_.substr(0, at + text.size());
      buffer_.erase(0, out.size());
      return out;
    }
    from = buffer_.size() >= text.size() ? buffer_.size() - text.size() + 1 : 0;
    if (!fill()) return std::exchange(buffer_, {});
  }
}

std::string Client::read_bytes(size_t count) {
  while (buffer_.size() < count && fill()) {
  }
  auto out = buffer_.substr(0, count);
  buffer_.erase(0, out.size());
  return out;
}

std::string Client::read_to_end() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

bool Client::closed() {
  return buffer_.empty() && !fill();
}

std::optional<Answer> Client::read_answer(bool to_head) {
  Answer answer;
  answer.head = read_until("\r\n\r\n");
  if (!answer.head.ends_with("\r\n\r\n") || !answer.head.starts_with("HTTP/1.1 ")) return std::nullopt;
  answer.status = std::stoi(answer.head.substr(9, 3));
  for (size_t at = answer.head.find("\r\n") + 2; at + 2 < answer.head.size();) {
    const auto end = answer.head.find("\r\n", at);
    const auto colon = answer.head.find(':', at);
    answer.headers[to_lower(answer.head.substr(at, colon - at))] =
        trim_blanks(std::string_view(answer.head).substr(colon + 1, end - colon - 1));
    at = end + 2;
  }
  const auto length = answer.headers.find("content-length");
  if (to_head || length == answer.headers.end()) return answer;
  const auto size = std::stoul(length->second);
  answer.body = read_bytes(size);
  if (answer.body.size() < size) return std::nullopt;
  return answer;
}

void Client::finish_sending() {
  if (ssl_) {
    SSL_shutdown(ssl_.get());
  } else {
    ::shutdown(fd_.get(), SHUT_WR);
  }
}

void Client::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ssl_.reset();
  fd_.reset();
}

std::string Client::peer_certificate_name() const {
  const std::unique_ptr<X509, decltype(&X509_free)> cert(SSL_get1_peer_certificate(ssl_.get()), &X509_free);
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(cert.get()), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return name.data();
}

std::string Client::tls_version() const {
  return SSL_get_version(ssl_.get());
}

}  // namespace holdfast::http::test
