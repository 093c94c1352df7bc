#include "tests/support/unix_proxy/unix_proxy.h"

#include <array>
#include <cerrno>
#include <stdexcept>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/sockets.h"

namespace holdfast::test {

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + " is too long for a socket");
  path.copy(address.sun_path, path.size());
  return address;
}

UniqueFd new_socket() {
  return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

UniqueFd connected(const std::string& path) {
  auto fd = new_socket();
  const auto address = address_of(path);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

}  // namespace

UnixProxy::Connection::~Connection() {
  cut();
  if (there.joinable()) there.join();
  if (back.joinable()) back.join();
}

void UnixProxy::Connection::cut() const {
  shutdown(client.get(), SHUT_RDWR);
  shutdown(server.get(), SHUT_RDWR);
}

UnixProxy::UnixProxy(std::string path, std::string target)
    : path_(std::move(path)), target_(std::move(target)) {
  open();
}

UnixProxy::~UnixProxy() {
  close();
}

void UnixProxy::open() {
  stop_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  listener_ = new_socket();
  const auto address = address_of(path_);
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_.get(), 64) != 0)
    throw std::runtime_error("nobody can listen at " + path_);
  acceptor_ = std::thread([this] { accept_all(); });
}

void UnixProxy::close() {
  if (!acceptor_.joinable()) return;
  ::unlink(path_.c_str());
  eventfd_write(stop_.get(), 1);
  acceptor_.join();
  listener_.reset();
  cut();
}

void UnixProxy::cut() {
  std::list<std::unique_ptr<Connection>> ended;  // joined without the lock, which their threads take
  const std::lock_guard lock(mutex_);
  std::swap(ended, connections_);
}

void UnixProxy::refuse(const std::string& text) {
  const std::lock_guard lock(mutex_);
  refuse_ = text;
}

bool UnixProxy::is_refused(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  return !refuse_.empty() && bytes.find(refuse_) != std::string_view::npos;
}

void UnixProxy::accept_all() {
  for (;;) {
    std::array<pollfd, 2> fds{pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    auto connection = std::make_unique<Connection>();
    connection->client = std::move(client);
    connection->server = connected(target_);
    if (!connection->server) continue;
    connection->there = std::thread([this, &c = *connection] { forward(c, true); });
    connection->back = std::thread([this, &c = *connection] { forward(c, false); });
    const std::lock_guard lock(mutex_);
    connections_.remove_if([](const auto& old) { return old->open_ways == 0; });
    connections_.push_back(std::move(connection));
  }
}

void UnixProxy::forward(Connection& connection, bool there) {
  const int from = there ? connection.client.get() : connection.server.get();
  const int to = there ? connection.server.get() : connection.client.get();
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t n = read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    const std::string_view bytes(buffer.data(), static_cast<size_t>(n));
    if (there && is_refused(bytes)) {
      ++refused_;
      connection.cut();
      break;
    }
    if (!send_all(to, bytes)) break;
  }
  shutdown(to, SHUT_WR);
  --connection.open_ways;
}

}  // namespace holdfast::test
