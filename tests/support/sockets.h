// What servers and proxies of tests do with sockets.
#pragma once

#include <string_view>

namespace holdfast::test {

// False: the other end is gone. No signal comes of that.
bool send_all(int fd, std::string_view bytes);

}  // namespace holdfast::test
