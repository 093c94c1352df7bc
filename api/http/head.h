// The head of one HTTP/1.x request, parsed strictly (RFC 9112): what is ambiguous is refused, because a proxy
// in front might read it differently.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/message.h"
#include "api/http/refusal.h"

namespace holdfast::http {

struct RequestHead {
  Method method = Method::kGet;
  std::string target;  // as sent, checked to be printable ASCII
  std::string host;    // the Host header; empty if there was none (HTTP/1.0)
  bool http11 = true;
  bool keep_alive = true;
  bool chunked = false;
  bool expect_continue = false;
  std::uint64_t content_length = 0;  // 0 if chunked
  Headers headers;                   // names in lower case
  [[nodiscard]] bool has_body() const { return chunked || content_length > 0; }
};

// `block` is the request line and the header lines, each with its CRLF, without the empty line at the end.
std::optional<Refusal> parse_head(std::string_view block, RequestHead& head);

}  // namespace holdfast::http
