// Requests to a controller's API.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::bench {

struct Answer {
  std::int64_t at_ns = 0;  // when its last byte was there
  std::string text{};      // with its head
};

// One connection for one request. Throws std::runtime_error if nobody is there.
Answer ask(int port, const std::string& method, const std::string& path, const std::string& body = {});

}  // namespace holdfast::bench
