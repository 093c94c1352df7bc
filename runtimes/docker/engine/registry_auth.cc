#include "runtimes/docker/engine/registry_auth.h"

#include "controller/base/base64.h"
#include "controller/base/json.h"

namespace holdfast::docker {

namespace {

constexpr const char* kDockerHub = "https://index.docker.io/v1/";

// "https://registry:5000/v2/" -> "registry:5000"
std::string_view host_of(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  return key.substr(0, key.find('/'));
}

Json credentials(const Json& entry) {
  if (const auto& token = entry.at("identitytoken").as_string(); !token.empty())
    return Json::object({{"identitytoken", token}});
  const auto pair = base64_decode(entry.at("auth").as_string()).value_or(std::string());
  const auto colon = pair.find(':');
  if (colon == std::string::npos) return {};
  return Json::object({{"username", pair.substr(0, colon)}, {"password", pair.substr(colon + 1)}});
}

}  // namespace

std::string registry_auth(std::string_view config_json, const std::string& registry) {
  const auto config = parse_json(config_json);
  if (!config) return {};
  const bool hub = registry == "docker.io";
  for (const auto& [key, entry] : config->at("auths").members()) {
    if (hub ? key != kDockerHub && host_of(key) != "docker.io" : host_of(key) != registry) continue;
    auto found = credentials(entry);
    if (found.is_null()) continue;
    found.set("serveraddress", hub ? std::string(kDockerHub) : registry);
    return base64url_encode(dump_json(found));
  }
  return {};
}

}  // namespace holdfast::docker
