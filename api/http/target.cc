#include "api/http/target.h"

#include <array>
#include <charconv>

#include <arpa/inet.h>

#include "api/http/text.h"
#include "controller/base/json.h"

namespace holdfast::http {

namespace {

bool is_unreserved(char c) {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void append_escaped(std::string& out, std::string_view segment) {
  for (const char c : segment) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += "0123456789ABCDEF"[byte >> 4];
    out += "0123456789ABCDEF"[byte & 15];
  }
}

std::optional<Refusal> parse_path(std::string_view text, Target& target) {
  while (!text.empty()) {
    const auto slash = text.find('/');
    const auto raw = text.substr(0, slash);
    text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
    if (raw.empty()) continue;
    const auto segment = percent_decode(raw);
    if (!segment) return Refusal{400, "the path has an escape that is not UTF-8 text"};
    if (*segment == "." || *segment == "..") return Refusal{400, "the path has a \".\" or \"..\" segment"};
    target.path += '/';
    target.path += *segment;
    target.route_path += '/';
    append_escaped(target.route_path, *segment);
  }
  if (target.path.empty()) target.path = target.route_path = "/";
  return std::nullopt;
}

std::optional<Refusal> parse_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto item = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (item.empty()) continue;
    const auto equals = item.find('=');
    auto key = percent_decode(item.substr(0, equals), true);
    auto value = percent_decode(equals == std::string_view::npos ? "" : item.substr(equals + 1), true);
    if (!key || !value) return Refusal{400, "the query has an escape that is not UTF-8 text"};
    target.query.emplace(std::move(*key), std::move(*value));
  }
  return std::nullopt;
}

// "127.0.0.1" and "::1" as the system writes them; nullopt: not an address.
std::optional<std::string> canonical_address(int family, const std::string& text) {
  std::array<unsigned char, 16> binary{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (inet_pton(family, text.c_str(), binary.data()) != 1) return std::nullopt;
  inet_ntop(family, binary.data(), out.data(), out.size());
  return out.data();
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  if (text.find_first_of("%+") == std::string_view::npos) return std::string(text);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
      if (low < 0 || (high == 0 && low == 0)) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (!is_valid_utf8(out)) return std::nullopt;
  return out;
}

std::optional<Refusal> parse_target(std::string_view text, Target& target) {
  target = Target{};
  if (text == "*") {
    target.asterisk = true;
    target.path = "*";
    return std::nullopt;
  }
  if (text.find('#') != std::string_view::npos) return Refusal{400, "the request target has a fragment"};
  if (!text.starts_with('/')) {
    const auto scheme = text.find("://");
    const auto name = to_lower(text.substr(0, scheme == std::string_view::npos ? 0 : scheme));
    if (name != "http" && name != "https")
      return Refusal{400, "the request target doesn't begin with a slash"};
    text.remove_prefix(scheme + 3);
    const auto end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    text.remove_prefix(end);
  }
  const auto mark = text.find('?');
  if (auto refusal = parse_path(text.substr(0, mark), target)) return refusal;
  return parse_query(mark == std::string_view::npos ? "" : text.substr(mark + 1), target);
}

std::optional<Authority> parse_authority(std::string_view text) {
  Authority out;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    auto address = canonical_address(AF_INET6, std::string(text.substr(1, close - 1)));
    if (!address) return std::nullopt;
    out.host = std::move(*address);
    port = text.substr(close + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    out.host = to_lower(text.substr(0, colon));
    for (const char c : out.host) {
      if (!is_unreserved(c)) return std::nullopt;
    }
    if (out.host.size() > 1 && out.host.ends_with('.')) out.host.pop_back();
    if (auto address = canonical_address(AF_INET, out.host)) out.host = std::move(*address);
    port = text.substr(colon);
  }
  if (out.host.empty()) return std::nullopt;
  if (port.empty()) return out;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
  if (port.front() != ':' || error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  out.port = number;
  return out;
}

bool is_ip_address(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_loopback_name(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1") return true;
  return host.starts_with("127.") && canonical_address(AF_INET, host).has_value();
}

}  // namespace holdfast::http
