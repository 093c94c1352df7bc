#include "runtimes/docker/engine/version.h"

#include <algorithm>
#include <charconv>

namespace holdfast::docker {

namespace {

// Docker calls its main component "Engine", Podman "Podman Engine".
std::string engine_name(const Json& version) {
  std::string name = "Docker Engine";
  for (const auto& component : version.at("Components").items()) {
    if (component.at("Name").as_string().starts_with("Podman")) name = component.at("Name").as_string();
  }
  const auto& number = version.at("Version").as_string();
  return number.empty() ? name : name + " " + number;
}

}  // namespace

std::optional<ApiVersion> parse_api_version(std::string_view text) {
  ApiVersion out;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, out.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, out.minor);
  if (minor.ec != std::errc() || minor.ptr != end || out.major < 0 || out.minor < 0) return std::nullopt;
  return out;
}

std::string to_string(const ApiVersion& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

Result<EngineInfo> engine_info(const Json& version, const std::string& forced, const std::string& where) {
  EngineInfo info{.name = engine_name(version), .api_version = forced, .where = where};
  const auto newest = parse_api_version(version.at("ApiVersion").as_string());
  if (!newest)
    return fail(ErrorCode::kInternal, "what answers at " + where + " doesn't tell its API version",
                "Is it a container engine?");
  if (*newest < kOldestApi) {
    return fail(ErrorCode::kInvalid,
                info.name + " at " + where + " speaks API version " + to_string(*newest) +
                    ", Holdfast needs " + to_string(kOldestApi),
                "Update the engine to Docker 1.13 or newer");
  }
  if (!forced.empty()) return info;
  const auto oldest = parse_api_version(version.at("MinAPIVersion").as_string()).value_or(ApiVersion{});
  info.api_version = to_string(std::max(std::min(*newest, kNewestApi), oldest));
  return info;
}

}  // namespace holdfast::docker
