#include "api/http/acceptor.h"

#include <array>
#include <cerrno>
#include <stdexcept>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "controller/base/log.h"

namespace holdfast::http {

namespace {

constexpr int kPauseMs = 100;

UniqueFd open_reserve() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

std::string local_host(int fd) {
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
  return format_host(local);
}

}  // namespace

Acceptor::Acceptor(std::shared_ptr<ServerState> state, Listener listener, std::unique_ptr<TlsSource> tls,
                   std::vector<std::shared_ptr<Inbox>> workers)
    : state_(std::move(state)),
      listener_(std::move(listener)),
      tls_(std::move(tls)),
      workers_(std::move(workers)),
      stop_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      reserve_(open_reserve()) {
  if (!stop_ || !reserve_) throw std::runtime_error("out of file descriptors");
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "http-accept");
}

Acceptor::~Acceptor() {
  stop();
}

void Acceptor::stop() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
  listener_.close();
}

void Acceptor::run() {
  for (;;) {
    std::array<pollfd, 2> wait{pollfd{stop_.get(), POLLIN, 0}, pollfd{listener_.fd(), POLLIN, 0}};
    // While paused only stop_ is waited for: a listener that can't be served would spin.
    const bool paused = pause_ms_ >= 0;
    const int ready = ::poll(wait.data(), paused ? 1 : 2, std::exchange(pause_ms_, -1));
    if (ready < 0 && errno != EINTR) pause_ms_ = kPauseMs;
    if (ready < 0) continue;
    if (wait[0].revents != 0) return;
    if (!paused) accept_one();
  }
}

void Acceptor::accept_one() {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  UniqueFd fd(
      ::accept4(listener_.fd(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) out_of_descriptors(errno);
    return;  // anything else concerns that one client, which is gone
  }
  if (!reserve_) reserve_ = open_reserve();
  state_->accepted.fetch_add(1);
  if (state_->open() >= state_->options.limits.max_connections) return refuse(fd);
  hand_over(std::move(fd), peer);
}

void Acceptor::hand_over(UniqueFd fd, const sockaddr_storage& peer) {
  const int on = 1;
  if (peer.ss_family != AF_UNIX) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Caller caller{.peer = format_peer(peer), .local_host = local_host(fd.get()), .tls = tls_ != nullptr};
  SslPtr ssl;
  if (tls_) {
    ssl = tls_->accept(fd.get(), clock_.now());
    if (!ssl) return;
  }
  state_->connection_opened();  // closed by Connection
  Message message = NewConnection{Transport(std::move(fd), std::move(ssl)), std::move(caller)};
  if (!workers_[next_++ % workers_.size()]->post(std::move(message))) state_->connection_closed();
}

void Acceptor::refuse(const UniqueFd& fd) {
  state_->refused.fetch_add(1);
  if (tls_) return;  // it couldn't read plain text
  static constexpr std::string_view kBusy =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";
  ::send(fd.get(), kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd.get(), SHUT_WR);
}

// The reserve makes room to take the client off the queue and close it: it learns at once that it can't be
// served, and the listener doesn't stay readable.
void Acceptor::out_of_descriptors(int code) {
  constexpr auto kComplainInterval = std::chrono::seconds{10};
  const auto now = clock_.now();
  if (!complained_ || now - *complained_ >= kComplainInterval) {
    complained_ = now;
    log::error("cannot accept connections", {{"error", errno_error("accept", code).message},
                                             {"hint", "raise the limit of open files (ulimit -n)"}});
  }
  reserve_.reset();
  UniqueFd fd(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  if (fd) {
    state_->refused.fetch_add(1);
  } else {
    pause_ms_ = kPauseMs;
  }
  fd.reset();
  reserve_ = open_reserve();
  if (!reserve_) pause_ms_ = kPauseMs;  // somebody else took the place
}

}  // namespace holdfast::http
