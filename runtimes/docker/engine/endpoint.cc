#include "runtimes/docker/engine/endpoint.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <sys/un.h>
#include <unistd.h>

namespace holdfast::docker {

namespace {

constexpr const char* kSystemSocket = "/var/run/docker.sock";

std::string value_of(const Lookup& lookup, const std::string& name) {
  return lookup(name).value_or(std::string());
}

tl::unexpected<Error> bad_host(const std::string& host, const std::string& why) {
  return fail_terminal(ErrorCode::kInvalid, "DOCKER_HOST is '" + host + "': " + why,
                       "Write unix:///path/to/docker.sock or tcp://host:port");
}

Result<Endpoint> socket_endpoint(const std::string& path) {
  if (!path.starts_with('/')) return bad_host("unix://" + path, "the path of the socket isn't absolute");
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return bad_host("unix://" + path, "the path of the socket is longer than the system allows");
  return Endpoint{.where = "unix://" + path, .socket_path = path, .base_url = "http://localhost"};
}

// Only what can stand in an authority; anything else would change the URL's meaning.
bool plain_authority(std::string_view text) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view(".-_:[]%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

bool has_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  return colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
}

Result<Endpoint> tcp_endpoint(const std::string& host, std::string authority, bool tls,
                              const Lookup& lookup) {
  while (authority.ends_with('/')) authority.pop_back();
  if (!plain_authority(authority)) return bad_host(host, "it names no host and port");
  if (!has_port(authority)) authority += tls ? ":2376" : ":2375";
  Endpoint out{.where = host, .base_url = (tls ? "https://" : "http://") + authority};
  if (!tls) return out;
  // As the docker command has it: any value but the empty one asks for verification.
  out.verify_peer = !value_of(lookup, "DOCKER_TLS_VERIFY").empty() || value_of(lookup, "DOCKER_TLS").empty();
  auto folder = value_of(lookup, "DOCKER_CERT_PATH");
  if (folder.empty() && out.verify_peer && !value_of(lookup, "DOCKER_TLS_VERIFY").empty())
    folder = value_of(lookup, "HOME") + "/.docker";
  if (folder.empty()) return out;
  out.ca_file = folder + "/ca.pem";
  out.cert_file = folder + "/cert.pem";
  out.key_file = folder + "/key.pem";
  return out;
}

Result<Endpoint> host_endpoint(const std::string& host, const Lookup& lookup) {
  const auto separator = host.find("://");
  if (separator == std::string::npos) return bad_host(host, "it has no scheme");
  const auto scheme = host.substr(0, separator);
  const auto rest = host.substr(separator + 3);
  const bool tls = !value_of(lookup, "DOCKER_TLS_VERIFY").empty() || !value_of(lookup, "DOCKER_TLS").empty();
  if (scheme == "unix") return socket_endpoint(rest);
  if (scheme == "tcp") return tcp_endpoint(host, rest, tls, lookup);
  if (scheme == "http") return tcp_endpoint(host, rest, false, lookup);
  if (scheme == "https") return tcp_endpoint(host, rest, true, lookup);
  if (scheme == "ssh" || scheme == "npipe" || scheme == "fd") {
    return fail_terminal(
        ErrorCode::kInvalid,
        "DOCKER_HOST is '" + host + "': Holdfast's own client can't reach an engine over " + scheme,
        "The docker command can: let Holdfast use it, or name a unix:// or tcp:// address");
  }
  return bad_host(host, "the scheme '" + scheme + "' isn't known");
}

Result<Endpoint> default_endpoint(const Lookup& lookup, const FileExists& exists) {
  const auto runtime_dir = value_of(lookup, "XDG_RUNTIME_DIR");
  if (!exists(kSystemSocket) && !runtime_dir.empty()) {
    const auto own = runtime_dir + "/docker.sock";
    if (exists(own)) return socket_endpoint(own);
  }
  return socket_endpoint(kSystemSocket);
}

}  // namespace

Result<Endpoint> endpoint_from(const Lookup& lookup, const FileExists& exists) {
  const auto host = value_of(lookup, "DOCKER_HOST");
  auto out = host.empty() ? default_endpoint(lookup, exists) : host_endpoint(host, lookup);
  if (!out) return out;
  out->api_version = value_of(lookup, "DOCKER_API_VERSION");
  const bool plain = std::all_of(out->api_version.begin(), out->api_version.end(),
                                 [](unsigned char c) { return std::isdigit(c) || c == '.'; });
  if (!plain) {
    return fail_terminal(ErrorCode::kInvalid, "DOCKER_API_VERSION is '" + out->api_version + "'",
                         "Write a version such as 1.41, or leave it out to have it negotiated");
  }
  auto folder = value_of(lookup, "DOCKER_CONFIG");
  if (const auto home = value_of(lookup, "HOME"); folder.empty() && !home.empty()) folder = home + "/.docker";
  if (!folder.empty()) out->registry_config = folder + "/config.json";
  return out;
}

Result<Endpoint> endpoint_from_environment() {
  const auto lookup = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  return endpoint_from(lookup, [](const std::string& path) { return access(path.c_str(), F_OK) == 0; });
}

}  // namespace holdfast::docker
