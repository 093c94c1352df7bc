#include "controller/model/docker_text.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace holdfast {

namespace {

struct PortRange {
  std::uint16_t first = 0, last = 0;
};

tl::unexpected<Error> bad_port(std::string_view text) {
  return fail_terminal(ErrorCode::kInvalid, "'" + std::string(text) + "' is not a port to publish",
                       "write container, host:container or ip:host:container, such as 8080:80 or "
                       "127.0.0.1:8080:80/udp; ports are 1 to 65535");
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<PortRange> parse_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

// Takes what stands behind the last `separator` off text; all of it if there is none.
std::string_view take_last(std::string_view& text, char separator) {
  const auto at = text.rfind(separator);
  const auto last = at == std::string_view::npos ? text : text.substr(at + 1);
  text = at == std::string_view::npos ? std::string_view() : text.substr(0, at);
  return last;
}

bool is_volume_name(std::string_view text) {
  return text.size() > 1 && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
         });
}

}  // namespace

Result<std::vector<PortMapping>> parse_port_mapping(std::string_view text) {
  std::string_view rest = text;
  std::string protocol = "tcp";
  if (const auto slash = rest.rfind('/'); slash != std::string_view::npos) {
    protocol = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return bad_port(text);
  const auto container = parse_range(take_last(rest, ':'));
  if (!container) return bad_port(text);
  std::optional<PortRange> host;
  if (!rest.empty()) {
    const auto ports = take_last(rest, ':');
    host = parse_range(ports);
    if (!host && !ports.empty()) return bad_port(text);
    if (host && host->last - host->first != container->last - container->first) return bad_port(text);
  }
  std::string_view ip = rest;
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  if (ip.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos) return bad_port(text);
  std::vector<PortMapping> mappings;
  for (int i = 0; i <= container->last - container->first; ++i) {
    mappings.push_back({.host_ip = std::string(ip),
                        .host_port = static_cast<std::uint16_t>(host ? host->first + i : 0),
                        .container_port = static_cast<std::uint16_t>(container->first + i),
                        .protocol = protocol});
  }
  return mappings;
}

bool VolumeMount::read_only() const {
  return std::find(options.begin(), options.end(), "ro") != options.end();
}

Result<VolumeMount> parse_volume_mount(std::string_view text) {
  const auto bad = [&](const std::string& what) {
    return fail_terminal(ErrorCode::kInvalid, "'" + std::string(text) + "' is not a mount: " + what,
                         "write source:target or source:target:ro, such as /data:/data or cache:/var/cache");
  };
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const auto colon = std::min(text.find(':', at), text.size());
    parts.emplace_back(text.substr(at, colon - at));
    at = colon + 1;
  }
  VolumeMount mount;
  if (parts.size() == 1) {
    mount.target = parts[0];
  } else if (parts.size() <= 3) {
    mount.source = parts[0];
    mount.target = parts[1];
    if (!mount.is_bind() && !is_volume_name(mount.source))
      return bad("the source is neither an absolute path nor the name of a volume");
  } else {
    return bad("it has more than three parts");
  }
  if (!mount.target.starts_with('/')) return bad("the target is not an absolute path");
  if (parts.size() < 3) return mount;
  for (size_t at = 0; at <= parts[2].size();) {
    const auto comma = std::min(parts[2].find(',', at), parts[2].size());
    mount.options.push_back(parts[2].substr(at, comma - at));
    if (mount.options.back().empty()) return bad("an option is empty");
    at = comma + 1;
  }
  return mount;
}

}  // namespace holdfast
