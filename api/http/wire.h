// An answer as bytes (RFC 9112, 4).
#pragma once

#include <string>

#include "api/http/message.h"
#include "controller/base/clock.h"

namespace holdfast::http {

// "Sun, 22 Nov 2026 19:20:00 GMT", made once a second. Not thread-safe.
class DateHeader {
 public:
  const std::string& at(WallTime now);

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

struct WireOptions {
  bool keep_alive = true;
  bool http11 = true;
  bool head_only = false;  // the answer to HEAD: the length of the body, not the body
  std::string_view date{};
  std::string_view request_id{};
};

// Appends status line and headers, with the empty line. Headers that would break framing (names that are no
// token, values with control characters, Content-Length and its like) are left out and logged: they are
// faults of a handler. Cache-Control is no-store unless the handler gave one.
void append_head(std::string& out, const Response& response, const WireOptions& options);
void append_stream_head(std::string& out, const WireOptions& options);  // of an event stream

bool may_have_body(int status);  // not 1xx, 204, 304

}  // namespace holdfast::http
