// Credentials for registries out of the docker command's config.json.
// Source: https://docs.docker.com/reference/cli/docker/login/ and
// https://docs.docker.com/reference/api/engine/#section/Authentication
#pragma once

#include <string>
#include <string_view>

namespace holdfast::docker {

// The value of X-Registry-Auth for a registry ("docker.io", "registry:5000"); empty without credentials.
// Only what `docker login` wrote to `auths` in plain is used; a helper program (credsStore, credHelpers) is
// not run.
std::string registry_auth(std::string_view config_json, const std::string& registry);

}  // namespace holdfast::docker
