// Which version of the Engine API to speak.
// Source: https://docs.docker.com/reference/api/engine/#versioned-api-and-sdk
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/base/json.h"
#include "controller/base/result.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

struct ApiVersion {
  int major = 0, minor = 0;
  auto operator<=>(const ApiVersion&) const = default;
};
std::optional<ApiVersion> parse_api_version(std::string_view text);  // "1.41"
std::string to_string(const ApiVersion& version);

inline constexpr ApiVersion kOldestApi{1, 25};  // Docker 1.13, of 2017
inline constexpr ApiVersion kNewestApi{1, 51};  // the newest that Holdfast knows

// Podman serves Docker's API with differences of its own.
inline bool is_podman(const EngineInfo& info) {
  return info.name.starts_with("Podman");
}

// From what GET /version answers: the newest version that both know, or `forced` if it isn't empty. kInvalid
// for an engine that is too old, kInternal for an answer that isn't understood.
Result<EngineInfo> engine_info(const Json& version, const std::string& forced, const std::string& where);

}  // namespace holdfast::docker
