#include "tests/bench/facade.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/reports.h"

namespace holdfast::bench {

namespace {

struct Answer {
  std::int64_t at_ns;
  std::string text;
};

// One connection for one request; the answer counts as there when its last byte is.
Answer post(int port, const std::string& verb) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string request = "POST /api/streaming/" + verb +
                              " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
                              "application/json\r\nContent-Length: 2\r\n\r\n{}";
  Answer answer;
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      send(fd, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
    throw std::runtime_error("the facade can't be reached");
  char data[4096];
  for (ssize_t n; (n = recv(fd, data, sizeof data, 0)) > 0;) {
    answer.text.append(data, static_cast<size_t>(n));
    answer.at_ns = mono_ns();
  }
  close(fd);
  return answer;
}

bool succeeded(const Answer& answer) {
  return answer.text.find("\"success\":true") != std::string::npos;
}

void print(const char* what, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::printf("%s %.1f %.1f\n", what, values[values.size() / 2], values.back());
}

}  // namespace

void measure_facade(Reports& reports, int port, int rounds) {
  std::vector<double> starts, restarts;
  for (int i = 0; i < rounds; ++i) {
    if (!succeeded(post(port, "stop"))) throw std::runtime_error("the facade's stop failed");
    for (auto* times : {&starts, &restarts}) {
      const auto began = mono_ns();
      const auto answer = post(port, times == &starts ? "start" : "restart");
      if (!succeeded(answer)) throw std::runtime_error("the facade refused: " + answer.text);
      times->push_back(static_cast<double>(answer.at_ns - reports.collect(1, began)) / 1e6);
    }
  }
  print("start", starts);
  print("restart", restarts);
}

void measure_failure(int port) {
  post(port, "stop");
  const auto began = mono_ns();
  const auto answer = post(port, "start");
  const bool told = answer.text.find("\"success\":false") != std::string::npos &&
                    answer.text.find("the disk is on fire") != std::string::npos;
  std::printf("failure %.1f %s\n", static_cast<double>(answer.at_ns - began) / 1e6, told ? "told" : "untold");
}

}  // namespace holdfast::bench
