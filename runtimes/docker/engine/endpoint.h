// Where the container engine answers, as the variables of the docker command tell.
// Source: https://docs.docker.com/reference/cli/docker/#environment-variables
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "controller/base/result.h"

namespace holdfast::docker {

// A value type.
struct Endpoint {
  std::string where{};        // as people write it: "unix:///var/run/docker.sock", "tcp://10.0.0.5:2376"
  std::string socket_path{};  // empty: over TCP
  std::string base_url{};     // "http://localhost" for a socket, "https://10.0.0.5:2376"
  std::string ca_file{}, cert_file{}, key_file{};  // PEM; empty: the system's authorities, no certificate
  bool verify_peer = true;                         // of TLS
  std::string api_version{};                       // forced; empty: negotiated
  std::string registry_config{};                   // config.json with the credentials of registries
};

using Lookup = std::function<std::optional<std::string>(const std::string& name)>;
using FileExists = std::function<bool(const std::string& path)>;

// Reads DOCKER_HOST (unix://, tcp://, http://, https://), DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH,
// DOCKER_API_VERSION, DOCKER_CONFIG, XDG_RUNTIME_DIR and HOME through `lookup`. Without a host: the socket of
// the system or else of the user, whichever exists. kInvalid for what isn't understood, or needs a transport
// that only the docker command has (ssh).
Result<Endpoint> endpoint_from(const Lookup& lookup, const FileExists& exists);
// From the environment of this process and its files.
Result<Endpoint> endpoint_from_environment();

}  // namespace holdfast::docker
