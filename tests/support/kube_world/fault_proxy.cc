#include "tests/support/kube_world/fault_proxy.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "controller/base/file.h"
#include "tests/support/sockets.h"

namespace holdfast::test {

namespace {

// How much of an answer may pass before the connection is cut.
class Meter {
 public:
  explicit Meter(const std::optional<KubeFault::Cut>& cut) : cut_(cut) {}
  [[nodiscard]] bool is_full() const { return cut_ && in_body_ && cut_->lines == 0 && cut_->bytes == 0; }
  std::string_view allowed(std::string_view bytes) {
    size_t n = 0;
    while (n < bytes.size() && cut_ && !is_full()) take(bytes[n++]);
    return cut_ ? bytes.substr(0, n) : bytes;
  }

 private:
  // The lines of objects end with \n alone, those of HTTP's chunks with \r\n.
  void take(char c) {
    if (!in_body_) {
      head_ += c;
      in_body_ = head_.ends_with("\r\n\r\n");
    } else if (cut_->lines > 0) {
      cut_->lines -= c == '\n' && last_ != '\r' ? 1 : 0;
    } else {
      --cut_->bytes;
    }
    last_ = c;
  }

  std::optional<KubeFault::Cut> cut_;
  bool in_body_ = false;
  char last_ = 0;
  std::string head_;
};

}  // namespace

// A connection to the API server. It shows certificates to nobody in particular: nobody checks them here.
class FaultProxy::Server {
 public:
  explicit Server(const std::string& url) {
    const auto address = url.substr(url.find("://") + 3);
    if (url.starts_with("https:")) {
      context_.reset(SSL_CTX_new(TLS_client_method()));
      SSL_CTX_clear_mode(context_.get(),
                         SSL_MODE_AUTO_RETRY);  // read() has nothing to say of TLS's own messages
      bio_.reset(BIO_new_ssl_connect(context_.get()));
      BIO_set_conn_hostname(bio_.get(), address.c_str());
    } else {
      bio_.reset(BIO_new_connect(address.c_str()));
    }
    if (BIO_do_connect(bio_.get()) == 1) BIO_get_fd(bio_.get(), &fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }  // -1: it can't be reached
  [[nodiscard]] bool has_more() const { return BIO_pending(bio_.get()) > 0; }
  bool write(const std::string& bytes) {
    return BIO_write(bio_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }
  // nullopt: nothing yet; empty: the end.
  std::optional<std::string_view> read() {
    const int n = BIO_read(bio_.get(), buffer_.data(), static_cast<int>(buffer_.size()));
    if (n > 0) return std::string_view(buffer_.data(), static_cast<size_t>(n));
    return BIO_should_retry(bio_.get()) ? std::nullopt : std::optional<std::string_view>(std::string_view());
  }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(BIO* bio) const { BIO_free_all(bio); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<BIO, Free> bio_;
  int fd_ = -1;
  std::array<char, 16384> buffer_{};
};

FaultProxy::FaultProxy(const ClusterAddress& cluster, const std::string& user)
    : target_(cluster.server()), token_(cluster.token(user)) {
  open();
  write_file_atomically(kubeconfig(),
                        "apiVersion: v1\nkind: Config\ncurrent-context: proxy\ncontexts:\n"
                        "- name: proxy\n  context: {cluster: proxy, user: proxy}\nclusters:\n"
                        "- name: proxy\n  cluster: {server: \"" +
                            server() +
                            "\"}\n"
                            "users:\n- name: proxy\n  user: {}\n");
}

FaultProxy::~FaultProxy() {
  close();
}

void FaultProxy::open() {
  stop_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  listener_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_.get(), any, size) != 0 || listen(listener_.get(), 64) != 0 ||
      getsockname(listener_.get(), any, &size) != 0)
    throw std::runtime_error("nobody can listen on port " + std::to_string(port_));
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

void FaultProxy::close() {
  if (!acceptor_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  acceptor_.join();
  listener_.reset();
  std::list<std::unique_ptr<Connection>> ended;
  {
    const std::lock_guard lock(mutex_);
    cut_locked(nullptr);
    std::swap(ended, connections_);
  }
  for (const auto& connection : ended) connection->thread.join();
}

void FaultProxy::accept_all() {
  for (;;) {
    std::array<pollfd, 2> fds{pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    const std::lock_guard lock(mutex_);
    connections_.remove_if([](const auto& old) {
      if (old->ended) old->thread.join();
      return old->ended;
    });
    auto& connection = *connections_.emplace_back(std::make_unique<Connection>());
    connection.client = std::move(client);
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void FaultProxy::serve(Connection& connection) {
  sigset_t pipe;  // which OpenSSL would cause
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  auto request = read_kube_request(connection.client.get());
  if (request) {
    const auto bytes = forwarded(*request, token_);
    const auto fault = admit(connection, std::move(*request));
    if (pause(connection, fault.delay) && (!fault.silence || pause(connection, std::nullopt)) &&
        wait_while_frozen(connection)) {
      if (fault.answer) {
        send_all(connection.client.get(), *fault.answer);
      } else {
        forward(connection, bytes, fault.cut);
      }
    }
  }
  const std::lock_guard lock(mutex_);
  connection.client.reset();
  connection.ended = true;
}

KubeFault FaultProxy::admit(Connection& connection, KubeRequest request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  const auto rule = std::ranges::find_if(rules_, [&](const Rule& one) { return one.match(request); });
  connection.request = std::move(request);
  connection.known = true;
  if (rule == rules_.end()) return {};
  auto fault = rule->fault;
  if (--rule->times <= 0) rules_.erase(rule);
  return fault;
}

void FaultProxy::forward(Connection& connection, const std::string& request,
                         const std::optional<KubeFault::Cut>& cut) {
  Server server(target_);
  {
    const std::lock_guard lock(mutex_);
    if (connection.cut || server.fd() < 0) return;
    connection.server = server.fd();
  }
  if (server.write(request)) pass(connection, server, cut);
  const std::lock_guard lock(mutex_);
  connection.server = -1;
}

void FaultProxy::pass(Connection& connection, Server& server, const std::optional<KubeFault::Cut>& cut) {
  Meter meter(cut);
  while (!meter.is_full()) {
    std::array<pollfd, 2> fds{pollfd{server.fd(), POLLIN, 0}, pollfd{connection.client.get(), POLLIN, 0}};
    if (!server.has_more() && poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;  // the client has no more to say but that it goes
    const auto bytes = server.read();
    if (!bytes) continue;
    if (bytes->empty() || !wait_while_frozen(connection) ||
        !send_all(connection.client.get(), meter.allowed(*bytes)))
      return;
  }
}

bool FaultProxy::pause(Connection& connection, std::optional<Duration> time) {
  std::unique_lock lock(mutex_);
  const auto is_cut = [&] { return connection.cut; };
  if (time) return !changed_.wait_for(lock, *time, is_cut);
  changed_.wait(lock, is_cut);
  return false;
}

bool FaultProxy::wait_while_frozen(Connection& connection) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return connection.cut || !frozen_ || !frozen_(connection.request); });
  return !connection.cut;
}

size_t FaultProxy::cut_locked(const KubeMatch& match) {
  size_t count = 0;
  for (const auto& connection : connections_) {
    if (connection->ended || (match && (!connection->known || !match(connection->request)))) continue;
    connection->cut = true;
    shutdown(connection->client.get(), SHUT_RDWR);
    if (connection->server >= 0) shutdown(connection->server, SHUT_RDWR);
    ++count;
  }
  changed_.notify_all();
  return count;
}

size_t FaultProxy::cut(const KubeMatch& match) {
  const std::lock_guard lock(mutex_);
  return cut_locked(match);
}

void FaultProxy::inject(KubeMatch match, KubeFault fault, int times) {
  const std::lock_guard lock(mutex_);
  rules_.push_back({std::move(match), std::move(fault), times});
}

void FaultProxy::clear() {
  const std::lock_guard lock(mutex_);
  rules_.clear();
}

void FaultProxy::freeze(KubeMatch match) {
  const std::lock_guard lock(mutex_);
  frozen_ = std::move(match);
}

void FaultProxy::thaw() {
  const std::lock_guard lock(mutex_);
  frozen_ = nullptr;
  changed_.notify_all();
}

size_t FaultProxy::count(const KubeMatch& match) const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::ranges::count_if(requests_, match));
}

std::vector<KubeRequest> FaultProxy::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FaultProxy::forget() {
  const std::lock_guard lock(mutex_);
  requests_.clear();
}

}  // namespace holdfast::test
