#include "examples/common/service_notify.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"

namespace holdfast::examples {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::optional<long> number(const std::string& text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return {};
  return value;
}

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (c == '\n') c = ' ';  // a newline would start another message
  }
  return line;
}

}  // namespace

ServiceNotifier ServiceNotifier::from_environment() {
  ServiceNotifier notifier;
  notifier.socket_ = environment("NOTIFY_SOCKET");
  const auto usec = number(environment("WATCHDOG_USEC"));
  const auto pid_text = environment("WATCHDOG_PID");
  const bool for_me = pid_text.empty() || number(pid_text) == static_cast<long>(getpid());
  if (usec && for_me && !notifier.socket_.empty()) {
    notifier.watchdog_interval_ = std::chrono::microseconds(*usec) / 2;
  }
  return notifier;
}

void ServiceNotifier::send(std::string_view message) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{1, 0};  // a supervisor that doesn't read must not stop the work
  if (!fd || setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) return;
  (void)sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length);
}

void ServiceNotifier::ready(std::string_view status) const {
  send("READY=1\nSTATUS=" + one_line(status));
}
void ServiceNotifier::status(std::string_view text) const {
  send("STATUS=" + one_line(text));
}
void ServiceNotifier::stopping() const {
  send("STOPPING=1");
}
void ServiceNotifier::watchdog() const {
  send("WATCHDOG=1");
}

}  // namespace holdfast::examples
