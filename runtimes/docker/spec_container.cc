#include "runtimes/docker/spec_container.h"

#include "runtimes/docker/tar.h"
#include "runtimes/secrets.h"

namespace holdfast::docker {

namespace {

constexpr const char* kSecrets = "/run/secrets";
constexpr unsigned kSecretMode = 0444;  // for whatever user the image has; nobody else is in the container

bool has_secrets(const ServiceSpec& spec) {
  return std::any_of(spec.env.begin(), spec.env.end(),
                     [](const auto& entry) { return std::holds_alternative<SecretRef>(entry.second); });
}

// A name of one of the engine's own networks, where containers have no aliases.
bool is_builtin(const std::string& network) {
  return network.empty() || network == "bridge" || network == "host" || network == "none" ||
         network == "default" || network.starts_with("container:");
}

void add_environment(const ServiceSpec& spec, CreateSpec& out) {
  for (const auto& [name, value] : spec.env) {
    if (const auto* text = std::get_if<std::string>(&value))
      out.env[name] = *text;
    else
      out.env[name + "_FILE"] = std::string(kSecrets) + "/" + name;
  }
  // Nothing can be unpacked in a root that is read-only, but in a volume.
  if (spec.docker.read_only && has_secrets(spec)) out.anonymous_volumes.emplace_back(kSecrets);
}

void add_docker_options(const DockerOptions& docker, CreateSpec& out) {
  out.image = docker.image;
  out.entrypoint = docker.entrypoint;
  out.hostname = docker.hostname;
  out.network = docker.network;
  out.volumes = docker.volumes;
  out.ports = docker.ports;
  out.tmpfs = docker.tmpfs;
  out.devices = docker.devices;
  out.extra_hosts = docker.extra_hosts;
  out.cap_add = docker.cap_add;
  out.cap_drop = docker.cap_drop;
  out.security_opt = docker.security_opt;
  out.group_add = docker.group_add;
  out.read_only = docker.read_only;
  out.init = docker.init;
  out.tty = docker.tty;
  out.privileged = docker.privileged;
  out.shm_size = docker.shm_size;
}

}  // namespace

std::string container_name(const std::string& prefix, const InstanceId& id) {
  return prefix + id.service + "-" + std::to_string(id.ordinal);
}

bool is_adopted(const ServiceSpec& spec) {
  return !spec.docker.container.empty();
}

bool runs_in_docker(const ServiceSpec& spec) {
  const bool can = is_adopted(spec) || !spec.docker.image.empty();
  return can && (spec.runtime == RuntimeKind::kDocker || spec.runtime == RuntimeKind::kAuto);
}

CreateSpec container_of(const ServiceSpec& spec, const InstanceId& id, const std::string& controller,
                        std::uint64_t incarnation) {
  CreateSpec out;
  add_docker_options(spec.docker, out);
  out.command = spec.argv;
  out.working_dir = spec.working_dir;
  out.user = spec.user;
  add_environment(spec, out);
  out.labels = spec.labels;
  out.labels[kControllerLabel] = controller;
  out.labels[kServiceLabel] = id.service;
  out.labels[kOrdinalLabel] = std::to_string(id.ordinal);
  out.labels[kHashLabel] = spec.spec_hash;
  out.labels[kIncarnationLabel] = std::to_string(incarnation);
  if (!is_builtin(spec.docker.network)) out.network_aliases = {id.service};
  if (spec.resources.cpu_millis) out.nano_cpus = *spec.resources.cpu_millis * 1'000'000;
  out.memory_bytes = spec.resources.memory_bytes;
  out.pids = spec.resources.pids;
  out.log_max_size = spec.logs.max_size;
  out.log_max_files = spec.logs.max_files;
  return out;
}

Result<Archive> secrets_archive(const ServiceSpec& spec) {
  Archive out;
  out.directory = spec.docker.read_only ? kSecrets : "/";
  const std::string prefix = spec.docker.read_only ? "" : std::string(kSecrets + 1) + "/";
  for (const auto& [name, value] : spec.env) {
    const auto* secret = std::get_if<SecretRef>(&value);
    if (!secret) continue;
    const auto text = read_secret(name, *secret);
    if (!text) return fail(text.error());
    add_tar_file(out.tar, prefix + name, *text, kSecretMode);
  }
  if (!out.tar.empty()) end_tar(out.tar);
  return out;
}

}  // namespace holdfast::docker
