#include "cli/address.h"

namespace holdfast::cli {
namespace {

constexpr std::string_view kUnix = "unix:";

tl::unexpected<Error> bad(std::string_view text) {
  return fail(ErrorCode::kInvalid, "\"" + std::string(text) + "\" is not the address of a controller",
              "write it like http://127.0.0.1:8010, https://host:8010 or unix:/run/holdfast.sock");
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.rfind(':'));
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  if (text.starts_with(kUnix)) {
    const auto path = text.substr(kUnix.size());
    if (!path.starts_with('/')) return bad(text);
    return Address{std::string(text), "http://localhost", std::string(path), true};
  }
  auto rest = text;
  std::string scheme = "http://";
  if (const auto at = rest.find("://"); at != std::string_view::npos) {
    scheme = std::string(rest.substr(0, at + 3));
    rest.remove_prefix(at + 3);
    if (scheme != "http://" && scheme != "https://") return bad(text);
  } else if (rest.find(':') == std::string_view::npos) {
    return bad(text);  // a lone word is more likely a slip than a host on port 80
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const bool clean = rest.find_first_of(" /?#@\t\r\n") == std::string_view::npos;
  if (rest.empty() || !clean) return bad(text);
  const auto url = scheme + std::string(rest);
  return Address{url, url, "", is_loopback(host_of(rest))};
}

}  // namespace holdfast::cli
