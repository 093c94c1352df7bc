#include "tests/bench/ask.h"

#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/reports.h"

namespace holdfast::bench {

Answer ask(int port, const std::string& method, const std::string& path, const std::string& body) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string request = method + " " + path +
                              " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
                              "application/json\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body;
  Answer answer;
  const bool sent =
      fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
  char data[16384];
  for (ssize_t n; sent && (n = recv(fd, data, sizeof data, 0)) > 0;) {
    answer.text.append(data, static_cast<size_t>(n));
    answer.at_ns = mono_ns();
  }
  if (fd >= 0) close(fd);
  if (!sent) throw std::runtime_error("the controller can't be reached");
  return answer;
}

}  // namespace holdfast::bench
