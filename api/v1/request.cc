#include "api/v1/request.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

namespace holdfast::api {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string media_type(std::string_view header) {
  std::string type(trimmed(header.substr(0, header.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view unquoted(std::string_view tag) {
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') return tag.substr(1, tag.size() - 2);
  return tag;
}

// Seconds per unit; 0: no such unit.
double unit_seconds(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, double>, 4> kUnits{
      {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}}};
  for (const auto& [name, seconds] : kUnits)
    if (unit == name) return seconds;
  return 0;
}

tl::unexpected<Error> bad_query(const std::string& key, const std::string& value,
                                const std::string& expected) {
  return fail(ErrorCode::kInvalid, "query " + key + "=" + value.substr(0, 100) + ": expected " + expected);
}

}  // namespace

Actor actor_of(const http::Request& request) {
  return {request.identity.name, request.peer};
}

Result<Duration> parse_duration(std::string_view text) {
  constexpr double kMaxSeconds = 1e9;  // some thirty years
  const auto bad = [text] {
    return fail(ErrorCode::kInvalid, "'" + std::string(text.substr(0, 100)) + "' is no duration",
                "write it like 250ms, 30s, 5m or 1h30m");
  };
  if (text.empty()) return bad();
  double total = 0;
  for (std::string_view rest = text; !rest.empty();) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || rest.front() == '-') return bad();
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    const size_t length = static_cast<size_t>(
        std::find_if(rest.begin(), rest.end(), [](char c) { return c < 'a' || c > 'z'; }) - rest.begin());
    const double seconds = unit_seconds(rest.substr(0, length));
    if (seconds == 0) return bad();
    rest.remove_prefix(length);
    total += number * seconds;
  }
  if (!std::isfinite(total) || total > kMaxSeconds) return bad();
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(total));
}

Result<std::uint64_t> query_number(const http::Request& request, const std::string& key,
                                   std::uint64_t fallback, std::uint64_t max) {
  const auto text = request.query_value(key);
  if (!text) return fallback;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size() || number > max)
    return bad_query(key, *text, "a whole number from 0 to " + std::to_string(max));
  return number;
}

Result<bool> query_flag(const http::Request& request, const std::string& key) {
  const auto text = request.query_value(key);
  if (!text) return false;
  if (text->empty() || *text == "true" || *text == "1") return true;
  if (*text == "false" || *text == "0") return false;
  return bad_query(key, *text, "true or false");
}

Result<std::optional<WallTime>> query_since(const http::Request& request, WallTime now) {
  const auto text = request.query_value("since");
  if (!text) return std::optional<WallTime>{};
  if (const auto time = parse_rfc3339(*text)) return time;
  if (const auto ago = parse_duration(*text)) return std::optional<WallTime>(now - *ago);
  return bad_query("since", *text, "a time like 2026-01-31T12:00:00Z or a duration like 5m");
}

Result<Json> json_body(const http::Request& request) {
  if (request.body.empty())
    return fail(ErrorCode::kInvalid, "the request has no body", "send a JSON document");
  auto parsed = parse_json(request.body);
  if (!parsed) {
    parsed.error().message = "body: " + parsed.error().message;
    parsed.error().hint = "send one JSON document in UTF-8; nothing was changed";
  }
  return parsed;
}

bool media_type_accepted(const http::Request& request, const std::vector<std::string_view>& accepted) {
  const auto header = request.header("content-type");
  if (!header) return true;
  return std::find(accepted.begin(), accepted.end(), media_type(*header)) != accepted.end();
}

std::optional<std::string> if_match(const http::Request& request, const std::string& current) {
  const auto header = request.header("if-match");
  if (!header) return std::nullopt;
  const auto tags = split(*header, ',');
  for (const auto tag : tags)
    if (tag == "*" || unquoted(tag) == unquoted(current)) return current;
  return std::string(unquoted(tags.front()));
}

std::string quoted(const std::string& etag) {
  return etag.starts_with('"') ? etag : '"' + etag + '"';
}

bool wants_event_stream(const http::Request& request) {
  const auto accept = request.header("accept");
  if (!accept) return false;
  const auto ranges = split(*accept, ',');
  return std::any_of(ranges.begin(), ranges.end(),
                     [](std::string_view range) { return media_type(range) == "text/event-stream"; });
}

}  // namespace holdfast::api
