#include "tests/e2e/docker_image/socket_proxy.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/sockets.h"

namespace holdfast::test {

namespace {

template <typename Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

UniqueFd connected(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(fd.get(), generic(address), sizeof address) != 0) fd.reset();
  return fd;
}

// Appends what is there to read; false at the end.
bool receive(int fd, std::string& bytes) {
  std::array<char, 16384> buffer{};
  ssize_t n = 0;
  while ((n = read(fd, buffer.data(), buffer.size())) < 0 && errno == EINTR) {
  }
  if (n > 0) bytes.append(buffer.data(), static_cast<size_t>(n));
  return n > 0;
}

// A pause until one of them has something to say; false: `stop` has.
bool wait_any(int a, int b, int stop, std::array<bool, 2>& ready) {
  std::array<pollfd, 3> fds{pollfd{a, POLLIN, 0}, pollfd{b, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
  while (poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
  }
  ready = {fds[0].revents != 0, fds[1].revents != 0};
  return fds[2].revents == 0;
}

// Both ways until both have ended.
void relay(int client, int server, int stop) {
  std::array<int, 2> from{client, server};
  const std::array<int, 2> to{server, client};
  std::array<bool, 2> ready{};
  while ((from[0] >= 0 || from[1] >= 0) && wait_any(from[0], from[1], stop, ready)) {
    for (size_t way = 0; way < 2; ++way) {
      std::string bytes;
      if (!ready.at(way) || (receive(from.at(way), bytes) && send_all(to.at(way), bytes))) continue;
      shutdown(to.at(way), SHUT_WR);
      from.at(way) = -1;  // which poll() passes over
    }
  }
}

// One request for each connection, so that no second one gets through unseen; a stream of `exec` stays what
// it is.
std::string closing(const std::string& head) {
  if (std::regex_search(head, std::regex("\r\nUpgrade:", std::regex::icase))) return head;
  auto text = std::regex_replace(head, std::regex("\r\nConnection:[^\r]*", std::regex::icase), "");
  return text.insert(text.find("\r\n") + 2, "Connection: close\r\n");
}

std::string decoded(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    out += escape ? static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)) : text[i];
    if (escape) i += 2;
  }
  return out;
}

}  // namespace

SocketProxy::Allowed SocketProxy::allowed_in(const std::string& compose_file) {
  Allowed allowed;
  const std::regex line("SP_ALLOW_([A-Z]+): \"([^\"]*)\"");
  for (std::sregex_iterator each(compose_file.begin(), compose_file.end(), line);
       each != std::sregex_iterator(); ++each) {
    const auto expression = std::regex_replace((*each)[2].str(), std::regex(R"(\\\\)"), R"(\)");
    allowed.emplace((*each)[1].str(), std::regex(expression));
  }
  return allowed;
}

SocketProxy::SocketProxy(Allowed allowed, std::string socket)
    : allowed_(std::move(allowed)),
      socket_(std::move(socket)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_.get(), generic(address), size) != 0 || listen(listener_.get(), 64) != 0 ||
      getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen on the loopback");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

SocketProxy::~SocketProxy() {
  eventfd_write(stop_.get(), 1);
  acceptor_.join();
}

std::vector<std::string> SocketProxy::passed() const {
  const std::lock_guard lock(mutex_);
  return passed_;
}

std::vector<std::string> SocketProxy::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

void SocketProxy::accept_all() {
  std::list<std::thread> connections;
  std::array<bool, 2> ready{};
  while (wait_any(listener_.get(), -1, stop_.get(), ready)) {
    const int client = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) connections.emplace_back([this, client] { serve(client); });
  }
  for (auto& connection : connections) connection.join();
}

void SocketProxy::serve(int client) {
  const UniqueFd owned(client);
  std::string bytes;
  std::array<bool, 2> ready{};
  while (bytes.find("\r\n\r\n") == std::string::npos) {
    if (!wait_any(client, -1, stop_.get(), ready) || !receive(client, bytes)) return;
  }
  const auto end = bytes.find("\r\n\r\n");
  const auto head = bytes.substr(0, end);
  if (!let_pass(head)) {
    send_all(client, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  const auto server = connected(socket_);
  if (server && send_all(server.get(), closing(head) + bytes.substr(end)))
    relay(client, server.get(), stop_.get());
}

bool SocketProxy::let_pass(const std::string& head) {
  const auto method = head.substr(0, head.find(' '));
  const auto target = head.substr(method.size() + 1, head.find(' ', method.size() + 1) - method.size() - 1);
  const auto path = decoded(target.substr(0, target.find('?')));
  const auto found = allowed_.find(method);
  const bool allowed = found != allowed_.end() && std::regex_match(path, found->second);
  const std::lock_guard lock(mutex_);
  auto& calls = allowed ? passed_ : refused_;
  const auto call = method + " " + path;
  if (std::find(calls.begin(), calls.end(), call) == calls.end()) calls.push_back(call);
  return allowed;
}

}  // namespace holdfast::test
