#include "api/http/wire.h"

#include <array>
#include <charconv>
#include <ctime>

#include "api/http/text.h"
#include "controller/base/log.h"

namespace holdfast::http {

namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 24> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

// Names that only the server may set, in lower case.
bool is_reserved(std::string_view name) {
  return name == "content-length" || name == "transfer-encoding" || name == "connection" || name == "date" ||
         name == "content-type" || name == "x-request-id" || name == "x-content-type-options";
}

bool is_clean_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= ' ' && byte != 127);
  });
}

void append_common(std::string& out, const WireOptions& options) {
  if (!options.date.empty()) out.append("Date: ").append(options.date).append("\r\n");
  if (!options.request_id.empty()) out.append("X-Request-Id: ").append(options.request_id).append("\r\n");
  out += "X-Content-Type-Options: nosniff\r\n";
}

}  // namespace

const std::string& DateHeader::at(WallTime now) {
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (second == second_) return text_;
  second_ = second;
  const auto time = static_cast<std::time_t>(second);
  std::tm parts{};
  gmtime_r(&time, &parts);
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> buffer{};
  std::snprintf(
      buffer.data(), buffer.size(), "%s, %02d %s %d %02d:%02d:%02d GMT",  // names without the locale
      kDays[static_cast<size_t>(parts.tm_wday)], parts.tm_mday, kMonths[static_cast<size_t>(parts.tm_mon)],
      parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  text_ = buffer.data();
  return text_;
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

void append_head(std::string& out, const Response& response, const WireOptions& options) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(status_text(response.status)).append("\r\n");
  if (may_have_body(response.status)) {
    if (!response.content_type.empty() && is_clean_value(response.content_type)) {
      out.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  append_common(out, options);
  bool cached = false;
  for (const auto& [name, value] : response.headers) {
    const auto lower = to_lower(name);
    if (!is_token(name) || is_reserved(lower) || !is_clean_value(value)) {
      log::error("a handler set a response header that can't be sent", {{"header", name}});
      continue;
    }
    cached = cached || lower == "cache-control";
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!cached) out += "Cache-Control: no-store\r\n";
  if (!options.keep_alive) {
    out += "Connection: close\r\n";
  } else if (!options.http11) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

void append_stream_head(std::string& out, const WireOptions& options) {
  out += "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
  append_common(out, options);
  // The last: proxies that buffer would hold events back.
  out += "Cache-Control: no-store\r\nConnection: close\r\nX-Accel-Buffering: no\r\n\r\n";
}

}  // namespace holdfast::http
