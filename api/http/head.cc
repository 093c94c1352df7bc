#include "api/http/head.h"

#include <charconv>

#include "api/http/text.h"

namespace holdfast::http {

namespace {

constexpr size_t kMaxTarget = 8u << 10;
constexpr size_t kMaxHeaders = 100;
constexpr size_t kMaxLengthDigits = 15;  // beyond any limit of ours, and far from overflow

struct Seen {
  int hosts = 0, lengths = 0, encodings = 0;
};

std::optional<Refusal> parse_method(std::string_view name, RequestHead& head) {
  for (const auto method : {Method::kGet, Method::kHead, Method::kPost, Method::kPut, Method::kPatch,
                            Method::kDelete, Method::kOptions}) {
    if (name == to_string(method)) {
      head.method = method;
      return std::nullopt;
    }
  }
  if (!is_token(name)) return Refusal{400, "the request line doesn't begin with a method"};
  return Refusal{501, "the method " + std::string(name.substr(0, 32)) + " is not supported"};
}

std::optional<Refusal> parse_request_line(std::string_view line, RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first + 1) {
    return Refusal{400, "the request line is not \"METHOD target HTTP/1.1\""};
  }
  const auto version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (!version.starts_with("HTTP/")) return Refusal{400, "the request line doesn't end with HTTP/1.1"};
    return Refusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  }
  head.http11 = head.keep_alive = version.back() == '1';
  if (auto refusal = parse_method(line.substr(0, first), head)) return refusal;
  const auto target = line.substr(first + 1, last - first - 1);
  if (target.size() > kMaxTarget) {
    return Refusal{414, "the request target is longer than " + std::to_string(kMaxTarget) + " bytes"};
  }
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 127)
      return Refusal{400, "the request target has a character that must be escaped"};
  }
  head.target = target;
  return std::nullopt;
}

std::optional<Refusal> parse_length(std::string_view value, RequestHead& head, Seen& seen) {
  if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos) {
    return Refusal{400, "Content-Length is not a number"};
  }
  if (++seen.lengths > 1) return Refusal{400, "Content-Length is given more than once"};
  if (value.size() > kMaxLengthDigits) return Refusal{413, "the announced body is too large"};
  std::from_chars(value.data(), value.data() + value.size(), head.content_length);
  return std::nullopt;
}

std::optional<Refusal> parse_encoding(std::string_view value, RequestHead& head, Seen& seen) {
  if (++seen.encodings > 1) return Refusal{400, "Transfer-Encoding is given more than once"};
  if (!head.http11) return Refusal{400, "Transfer-Encoding needs HTTP/1.1"};
  if (to_lower(value) != "chunked") return Refusal{501, "the only Transfer-Encoding understood is chunked"};
  head.chunked = true;
  return std::nullopt;
}

// What framing and connection handling must know of a header; everything else is the handlers' business.
std::optional<Refusal> note_field(const std::string& name, std::string_view value, RequestHead& head,
                                  Seen& seen) {
  if (name == "content-length") return parse_length(value, head, seen);
  if (name == "transfer-encoding") return parse_encoding(value, head, seen);
  if (name == "host") {
    if (++seen.hosts > 1) return Refusal{400, "Host is given more than once"};
    head.host = value;
  } else if (name == "connection") {
    for_each_item(to_lower(value), [&](std::string_view option) {
      if (option == "close") head.keep_alive = false;
      if (option == "keep-alive" && !head.http11) head.keep_alive = true;
    });
  } else if (name == "expect") {
    if (to_lower(value) != "100-continue") return Refusal{417, "the only expectation met is 100-continue"};
    head.expect_continue = head.http11;
  }
  return std::nullopt;
}

std::optional<Refusal> parse_field(std::string_view line, RequestHead& head, Seen& seen) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return Refusal{400, "a header line has no colon"};
  if (!is_token(line.substr(0, colon))) {  // also catches a blank before the colon and folded lines
    return Refusal{400, "a header name has a character that is not allowed there"};
  }
  const auto value = trim_blanks(line.substr(colon + 1));
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < ' ' && c != '\t') || byte == 127)
      return Refusal{400, "a header value has a control character"};
  }
  auto name = to_lower(line.substr(0, colon));
  if (auto refusal = note_field(name, value, head, seen)) return refusal;
  if (head.headers.size() == kMaxHeaders) {
    return Refusal{431, "there are more than " + std::to_string(kMaxHeaders) + " headers"};
  }
  head.headers.emplace_back(std::move(name), value);
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> parse_head(std::string_view block, RequestHead& head) {
  head = RequestHead{};
  Seen seen;
  bool first = true;
  while (!block.empty()) {
    const auto end = block.find("\r\n");
    if (end == std::string_view::npos) return Refusal{400, "a line doesn't end with CR LF"};
    const auto line = block.substr(0, end);
    block.remove_prefix(end + 2);
    if (auto refusal = first ? parse_request_line(line, head) : parse_field(line, head, seen)) return refusal;
    first = false;
  }
  if (first) return Refusal{400, "the request is empty"};
  if (head.http11 && seen.hosts == 0) return Refusal{400, "HTTP/1.1 needs a Host header"};
  if (seen.lengths > 0 && seen.encodings > 0) {
    return Refusal{400, "Content-Length and Transfer-Encoding exclude each other"};
  }
  return std::nullopt;
}

}  // namespace holdfast::http
