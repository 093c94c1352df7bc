#include "api/http/listener.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace holdfast::http {

namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn
constexpr int kSocketFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;

struct HostPort {
  std::string host, port;
};

std::optional<HostPort> split(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  HostPort out{address.substr(0, colon), address.substr(colon + 1)};
  if (out.host.starts_with('[') && out.host.ends_with(']')) {
    out.host = out.host.substr(1, out.host.size() - 2);
  } else if (out.host.find_first_of("[]:") != std::string::npos) {
    return std::nullopt;
  }
  std::uint16_t number = 0;
  const auto* end = out.port.data() + out.port.size();
  const auto parsed = std::from_chars(out.port.data(), end, number);
  if (out.host.empty() || out.port.empty() || parsed.ec != std::errc() || parsed.ptr != end)
    return std::nullopt;
  return out;
}

Error listen_error(const std::string& address, int code) {
  auto error = errno_error("cannot listen on " + address, code);
  error.code = ErrorCode::kInvalid;
  if (code == EADDRINUSE) {
    error.code = ErrorCode::kConflict;
    error.hint = "another program listens there (`ss -ltnp` shows which); stop it or choose another address";
  } else if (code == EACCES || code == EPERM) {
    error.code = ErrorCode::kPermission;
    error.hint = "ports below 1024 and foreign directories need privilege; choose another address";
  } else if (code == EADDRNOTAVAIL) {
    error.hint = "no interface of this machine has that address (`ip address` shows those it has)";
  } else if (code == EMFILE || code == ENFILE) {
    error.code = ErrorCode::kUnavailable;
    error.hint = "raise the limit of open files (ulimit -n)";
  }
  return error;
}

bool answers(const sockaddr_un& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | kSocketFlags, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  return errno != ECONNREFUSED;  // EAGAIN: alive, with a full backlog; anything unclear counts as alive
}

// A program that was just killed lives on for a moment in children that had not come to their exec: asks
// again before it believes that somebody listens.
bool goes_on_answering(const sockaddr_un& address) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (!answers(address)) return false;
    ::poll(nullptr, 0, 50);
  }
  return true;
}

Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) {
    return fail(ErrorCode::kConflict, path + " exists and is not a socket",
                "remove it or choose another path");
  }
  if (goes_on_answering(address)) {
    return fail(ErrorCode::kConflict, "another program listens on unix:" + path,
                "stop it or choose another path");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return fail(errno_error("cannot remove the stale socket " + path, errno));
  }
  return {};
}

}  // namespace

std::string format_host(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
  }
  return text.data();
}

std::string format_peer(const sockaddr_storage& address) {
  auto host = format_host(address);
  if (host.empty()) return "unix";
  if (host.find(':') != std::string::npos) host = '[' + host + ']';
  const auto port = address.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                                                 : reinterpret_cast<const sockaddr_in6&>(address).sin6_port;
  return host + ':' + std::to_string(ntohs(port));
}

Result<Listener> Listener::open_tcp(const std::string& address) {
  const auto parts = split(address);
  if (!parts) {
    return fail(ErrorCode::kInvalid, '"' + address + "\" is not an address to listen on",
                "write host:port, [v6-address]:port or unix:/path");
  }
  addrinfo wanted{};
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(parts->host.c_str(), parts->port.c_str(), &wanted, &found);
      error != 0) {
    return fail(ErrorCode::kInvalid, "cannot listen on " + address + ": " + gai_strerror(error),
                "write a numeric address, or a name that this machine can resolve");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | kSocketFlags, 0));
  const int on = 1, off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (found->ai_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (!fd || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return fail(listen_error(address, errno));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  return Listener(std::move(fd), format_peer(bound));
}

Result<Listener> Listener::open_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path || path.find('\0') != std::string::npos) {
    return fail(
        ErrorCode::kInvalid, "\"unix:" + path + "\" is not a socket to listen on",
        "write unix: and a path of at most " + std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (auto stale = remove_stale(path, address); !stale) return fail(stale.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | kSocketFlags, 0));
  // Until listen() nobody can connect: the mode is set in time.
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0660) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return fail(listen_error("unix:" + path, errno));
  }
  Listener out(std::move(fd), "unix:" + path);
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) {
    out.path_ = path;
    out.device_ = info.st_dev;
    out.inode_ = info.st_ino;
  }
  return out;
}

Result<Listener> Listener::open(const std::string& address) {
  constexpr std::string_view kUnix = "unix:";
  return address.starts_with(kUnix) ? open_unix(address.substr(kUnix.size())) : open_tcp(address);
}

void Listener::close() {
  struct stat info{};
  if (fd_ && !path_.empty() && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  fd_.reset();
}

Listener::~Listener() {
  close();
}

}  // namespace holdfast::http
