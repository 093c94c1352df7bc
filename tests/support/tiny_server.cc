#include "tests/support/tiny_server.h"

#include <array>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace holdfast::test {

namespace {

constexpr std::string_view kSilence("\0then silence", 13);

// A TCP socket bound to a free loopback port.
std::pair<UniqueFd, int> bound_socket() {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!fd || bind(fd.get(), generic, size) != 0 || getsockname(fd.get(), generic, &size) != 0)
    throw std::runtime_error("cannot bind a loopback port");
  return {std::move(fd), ntohs(address.sin_port)};
}

}  // namespace

TinyServer::TinyServer(Handler handler)
    : handler_(std::move(handler)), stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  std::tie(listener_, port_) = bound_socket();
  if (listen(listener_.get(), 512) != 0) throw std::runtime_error("cannot listen");
  thread_ = std::thread([this] { serve(); });
}

TinyServer::~TinyServer() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::string TinyServer::reply(const std::string& status, const std::string& body,
                              const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

std::string TinyServer::then_silence(const std::string& bytes) {
  return bytes + std::string(kSilence);
}

void TinyServer::serve() {
  std::array<pollfd, 2> fds{{{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}}};
  for (;;) {
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[0].revents) return;
    if (UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); connection)
      answer(std::move(connection));
  }
}

void TinyServer::answer(UniqueFd connection) {
  std::string head;
  std::array<char, 4096> buffer;
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t n = recv(connection.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) return;
    head.append(buffer.data(), static_cast<size_t>(n));
  }
  ++requests_;
  const auto bytes = handler_(head);
  if (!bytes) {
    silent_.push_back(std::move(connection));
    return;
  }
  std::string_view rest = *bytes;
  const bool stay = rest.ends_with(kSilence);
  if (stay) rest.remove_suffix(kSilence.size());
  while (!rest.empty()) {
    const ssize_t n = send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    rest.remove_prefix(static_cast<size_t>(n));
  }
  if (stay) silent_.push_back(std::move(connection));
}

DeafPort::DeafPort() {
  std::tie(socket_, port_) = bound_socket();
}

}  // namespace holdfast::test
