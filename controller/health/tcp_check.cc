#include "controller/health/tcp_check.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "controller/base/unique_fd.h"
#include "controller/health/worker_pool.h"

namespace holdfast::health {

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address v4_address(in_addr host, int port) {
  Address address;
  auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
  in->sin_family = AF_INET;
  in->sin_port = htons(static_cast<std::uint16_t>(port));
  in->sin_addr = host;
  address.size = sizeof(sockaddr_in);
  return address;
}

Address v6_address(const in6_addr& host, int port) {
  Address address;
  auto* in = reinterpret_cast<sockaddr_in6*>(&address.storage);
  in->sin6_family = AF_INET6;
  in->sin6_port = htons(static_cast<std::uint16_t>(port));
  in->sin6_addr = host;
  address.size = sizeof(sockaddr_in6);
  return address;
}

// What needs no lookup; empty for other names.
std::vector<Address> known_addresses(const TcpProbe& probe) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, probe.host.c_str(), &v4) == 1) return {v4_address(v4, probe.port)};
  if (inet_pton(AF_INET6, probe.host.c_str(), &v6) == 1) return {v6_address(v6, probe.port)};
  if (probe.host != "localhost") return {};
  v4.s_addr = htonl(INADDR_LOOPBACK);
  return {v4_address(v4, probe.port), v6_address(in6addr_loopback, probe.port)};
}

// Blocks, for as long as the resolver is configured to.
std::vector<Address> look_up(const TcpProbe& probe) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (getaddrinfo(probe.host.c_str(), std::to_string(probe.port).c_str(), &hints, &list) != 0) return {};
  std::vector<Address> found;
  for (const auto* item = list; item; item = item->ai_next) {
    Address address;
    std::memcpy(&address.storage, item->ai_addr, item->ai_addrlen);
    address.size = item->ai_addrlen;
    found.push_back(address);
  }
  freeaddrinfo(list);
  return found;
}

// Nobody listens, and the kernel happened to pick the probed port for our own end.
bool connected_to_itself(int fd) {
  Address ours, theirs;
  ours.size = theirs.size = sizeof(sockaddr_storage);
  return getsockname(fd, reinterpret_cast<sockaddr*>(&ours.storage), &ours.size) == 0 &&
         getpeername(fd, reinterpret_cast<sockaddr*>(&theirs.storage), &theirs.size) == 0 &&
         ours.size == theirs.size && std::memcmp(&ours.storage, &theirs.storage, ours.size) == 0;
}

std::string name_of(const TcpProbe& probe) {
  return "connect to " + probe.host + ":" + std::to_string(probe.port) + ": ";
}

bool out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

}  // namespace

class TcpChecks::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(EventLoop& loop, WorkerPool& pool) : loop_(loop), pool_(pool) {}
  void start(const TcpProbe& probe, Duration timeout, CheckDone done);
  void close();

 private:
  struct Check {
    TcpProbe probe;
    CheckDone done;
    std::vector<Address> addresses;  // still to try, last first
    UniqueFd fd;
    EventLoop::WatchId watch = 0;
    EventLoop::TimerId deadline = 0;
  };
  using Id = std::uint64_t;
  void look_up_first(Id id, const TcpProbe& probe);
  void connect_next(Id id, int last_error);
  void on_event(Id id);
  void finish(Id id, CheckResult result);

  EventLoop& loop_;
  WorkerPool& pool_;
  Id next_ = 1;
  std::unordered_map<Id, Check> checks_;
};

void TcpChecks::Core::start(const TcpProbe& probe, Duration timeout, CheckDone done) {
  const Id id = next_++;
  auto& check = checks_[id];
  check.probe = probe;
  check.done = std::move(done);
  check.deadline = loop_.after(timeout, [weak = weak_from_this(), id, probe] {
    if (const auto self = weak.lock())
      self->finish(id, {Verdict::kFail, name_of(probe) + "no answer in time"});
  });
  check.addresses = known_addresses(probe);
  if (check.addresses.empty()) return look_up_first(id, probe);
  std::reverse(check.addresses.begin(), check.addresses.end());
  loop_.post([weak = weak_from_this(), id] {
    if (const auto self = weak.lock()) self->connect_next(id, 0);
  });
}

void TcpChecks::Core::look_up_first(Id id, const TcpProbe& probe) {
  pool_.submit([weak = weak_from_this(), &loop = loop_, id, probe] {
    auto found = look_up(probe);
    loop.post([weak, id, found = std::move(found)] {
      const auto self = weak.lock();
      const auto it = self ? self->checks_.find(id) : decltype(self->checks_.end()){};
      if (!self || it == self->checks_.end()) return;
      it->second.addresses.assign(found.rbegin(), found.rend());
      self->connect_next(id, 0);
    });
  });
}

void TcpChecks::Core::connect_next(Id id, int last_error) {
  const auto it = checks_.find(id);
  if (it == checks_.end()) return;
  auto& check = it->second;
  if (check.addresses.empty()) {
    const auto why = last_error == 0 ? std::string("the name can't be resolved")
                                     : std::generic_category().message(last_error);
    const auto verdict = out_of_resources(last_error) ? Verdict::kUnknown : Verdict::kFail;
    return finish(id, {verdict, name_of(check.probe) + why});
  }
  const auto address = check.addresses.back();
  check.addresses.pop_back();
  check.fd.reset(socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!check.fd) return connect_next(id, errno);
  if (connect(check.fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 &&
      errno != EINPROGRESS)
    return connect_next(id, errno);
  try {
    check.watch = loop_.watch(check.fd.get(), EPOLLOUT, [weak = weak_from_this(), id](std::uint32_t) {
      if (const auto self = weak.lock()) self->on_event(id);
    });
  } catch (const std::runtime_error& error) {
    finish(id, {Verdict::kUnknown, name_of(check.probe) + error.what()});
  }
}

void TcpChecks::Core::on_event(Id id) {
  const auto it = checks_.find(id);
  if (it == checks_.end()) return;
  auto& check = it->second;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(check.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 && connected_to_itself(check.fd.get())) error = ECONNREFUSED;
  if (error == 0) return finish(id, {Verdict::kPass, {}});
  loop_.unwatch(std::exchange(check.watch, 0));
  connect_next(id, error);
}

void TcpChecks::Core::finish(Id id, CheckResult result) {
  const auto node = checks_.extract(id);
  if (node.empty()) return;
  const auto& check = node.mapped();
  if (check.watch) loop_.unwatch(check.watch);
  loop_.cancel(check.deadline);
  check.done(std::move(result));
}

void TcpChecks::Core::close() {
  for (const auto& [id, check] : checks_) {
    if (check.watch) loop_.unwatch(check.watch);
    loop_.cancel(check.deadline);
  }
  checks_.clear();
}

TcpChecks::TcpChecks(EventLoop& loop, WorkerPool& pool) : core_(std::make_shared<Core>(loop, pool)) {}

TcpChecks::~TcpChecks() {
  core_->close();
}

void TcpChecks::start(const TcpProbe& probe, Duration timeout, CheckDone done) {
  core_->start(probe, timeout, std::move(done));
}

}  // namespace holdfast::health
