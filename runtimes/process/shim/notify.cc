#include "runtimes/process/shim/notify.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtimes/process/shim/text.h"

namespace holdfast::shim {

int open_notify_socket(const char* address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const size_t length = std::strlen(address);
  if (length >= sizeof name.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(name.sun_path, address, length);
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 1);
  if (address[0] == '@') {
    name.sun_path[0] = '\0';
    --size;
  } else {
    unlink(address);  // of an earlier run; the lock says that nobody uses it
  }
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&name), size) != 0 ||
      (address[0] != '@' && chmod(address, 0600) != 0)) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

namespace {

// Orphans reparent to the shim, so the chain of parents of everything in the tree ends there.
bool descends_from(int pid, int ancestor) {
  for (int depth = 0; depth < 64 && pid > 1; ++depth) {
    if (pid == ancestor) return true;
    std::uint64_t ticks = 0;
    int parent = 0;
    if (!read_stat(pid, &ticks, &parent)) return false;
    pid = parent;
  }
  return false;
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool apply_line(std::string_view line, LiveState* state) {
  if (line == "READY=1") {
    if (state->ready) return false;
    return state->ready = true;
  }
  if (line == "WATCHDOG=1") {
    state->watchdog_mono = mono_ns();
    return true;
  }
  if (starts_with(line, "STATUS=")) {
    line.remove_prefix(7);
    const size_t n = line.size() < sizeof state->status - 1 ? line.size() : sizeof state->status - 1;
    if (line.substr(0, n) == state->status) return false;
    std::memcpy(state->status, line.data(), n);
    state->status[n] = '\0';
    return true;
  }
  if (starts_with(line, "MAINPID=") && !state->main_pid_refused) return state->main_pid_refused = true;
  return false;
}

// The sender's pid, 0 if unknown.
int sender_of(msghdr* message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(part), sizeof credentials);
    return credentials.pid;
  }
  return 0;
}

// Closes descriptors that came along (BARRIER=1 waits for that, FDSTORE=1).
void close_passed(msghdr* message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      close(fd);
    }
  }
}

}  // namespace

bool read_notifications(int fd, int shim, LiveState* state) {
  bool changed = false;
  for (int round = 0; round < 64; ++round) {  // bounded: a flood must not keep the shim from the pipes
    static char data[4096];
    alignas(cmsghdr) char ancillary[512];
    iovec vector{.iov_base = data, .iov_len = sizeof data};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = ancillary;
    message.msg_controllen = sizeof ancillary;
    const ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) break;
    const int sender = sender_of(&message);
    const bool ours = sender != 0 && sender != shim && descends_from(sender, shim);
    close_passed(&message);  // only now: a sender that waits for it still exists while its parents are read
    if (!ours) continue;
    std::string_view text(data, static_cast<size_t>(n));
    while (!text.empty()) {
      const size_t newline = text.find('\n');
      const std::string_view line = text.substr(0, newline);
      if (apply_line(line, state)) changed = true;
      text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    }
  }
  return changed;
}

}  // namespace holdfast::shim
