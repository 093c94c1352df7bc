// The --server argument.
#pragma once

#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace holdfast::cli {

struct Address {
  std::string shown;        // as messages name it
  std::string base_url;     // "http://127.0.0.1:8010", without a trailing slash
  std::string unix_socket;  // path, or empty
  bool local = false;       // loopback or a unix socket: no proxy is asked
};

// "http://host[:port]", "https://host[:port]", "host:port", "unix:/path". kInvalid says what is expected.
Result<Address> parse_address(std::string_view text);

}  // namespace holdfast::cli
