// The supervisor's end of sd_notify(3).
#pragma once

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "controller/base/unique_fd.h"

namespace holdfast::examples::test {

class NotifySocket {
 public:
  explicit NotifySocket(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (!fd_) throw std::runtime_error("cannot make a socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  }
  // Reads on until a message starts with the text.
  bool receive(std::string_view text) {
    pollfd readable{fd_.get(), POLLIN, 0};
    std::array<char, 1024> buffer;
    while (poll(&readable, 1, 10'000) > 0) {
      const ssize_t n = recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (n > 0 && std::string_view(buffer.data(), static_cast<size_t>(n)).starts_with(text)) return true;
    }
    return false;
  }

 private:
  UniqueFd fd_;
};

}  // namespace holdfast::examples::test
