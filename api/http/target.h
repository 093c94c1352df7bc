// The request target: path segments and query, percent-decoded; and authorities ("host:port").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/refusal.h"

namespace holdfast::http {

// nullopt: a '%' without two hex digits, a NUL, or not UTF-8. plus_is_space: as in form data and queries.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

struct Target {
  std::string path;  // decoded; repeated and trailing slashes collapsed: "/a/b"
  std::string
      route_path;  // the same, each segment escaped in one canonical way: what routes are matched with
  std::multimap<std::string, std::string> query;
  std::optional<std::string> authority;  // of "http://host/path"
  bool asterisk = false;                 // "OPTIONS *"
};

// Refuses (400) wrong escapes, "." and ".." segments (they have no place in a request; a client resolves
// them) and fragments.
std::optional<Refusal> parse_target(std::string_view text, Target& target);

struct Authority {
  std::string host;                   // lower case, without brackets; IPv6 and IPv4 in canonical form
  std::optional<std::uint16_t> port;  // if given
  bool operator==(const Authority&) const = default;
};
std::optional<Authority> parse_authority(std::string_view text);

bool is_loopback_name(const std::string& host);  // of an Authority
bool is_ip_address(const std::string& host);     // likewise

}  // namespace holdfast::http
