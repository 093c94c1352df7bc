// The short forms in which docker and compose files write a published port and a mount.
// Source: https://docs.docker.com/reference/cli/docker/container/run/ (--publish, --volume)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace holdfast {

// One published port. host_port 0: the engine picks one.
struct PortMapping {
  std::string host_ip{};  // empty: every address of the machine
  std::uint16_t host_port = 0, container_port = 0;
  std::string protocol = "tcp";  // tcp | udp | sctp
  bool operator==(const PortMapping&) const = default;
};
// "80", "8080:80", "127.0.0.1:8080:80/udp", "[::1]:8080:80", and ranges of equal length
// "8000-8003:9000-9003". kInvalid with what was expected.
Result<std::vector<PortMapping>> parse_port_mapping(std::string_view text);

// source is an absolute path of the machine (bind), the name of a volume, or empty (an anonymous volume).
struct VolumeMount {
  std::string source{}, target{};  // target: absolute path in the container
  std::vector<std::string> options{};
  [[nodiscard]] bool is_bind() const { return source.starts_with('/'); }
  [[nodiscard]] bool read_only() const;
  bool operator==(const VolumeMount&) const = default;
};
// "/data:/data", "cache:/var/cache:ro", "/scratch". kInvalid with what was expected; a relative source is
// refused, because it would depend on where the controller was started.
Result<VolumeMount> parse_volume_mount(std::string_view text);

}  // namespace holdfast
