#include "controller/config/spec_hash.h"

#include <array>
#include <span>
#include <stdexcept>
#include <string_view>

#include <openssl/evp.h>

#include "controller/base/json.h"
#include "controller/base/text.h"

namespace holdfast::config {

namespace {

Json strings(const std::vector<std::string>& values) {
  auto out = Json::array();
  for (const auto& value : values) out.push_back(value);
  return out;
}

std::string_view source_name(SecretRef::Source source) {
  switch (source) {
    case SecretRef::Source::kFile:
      return "file";
    case SecretRef::Source::kEnv:
      return "env";
    case SecretRef::Source::kKubernetes:
      return "kubernetes";
  }
  return "file";
}

Json env_value(const EnvValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const auto& secret = std::get<SecretRef>(value);
  return Json::object({{"source", source_name(secret.source)}, {"name", secret.name}, {"key", secret.key}});
}

// What came later than the first release is there only if it isn't at its default: the hash of a service that
// doesn't use it stays, and with it the service's instances.
void add_later_docker_options(Json& out, const DockerOptions& docker) {
  const auto list = [&](const char* key, const std::vector<std::string>& values) {
    if (!values.empty()) out.set(key, strings(values));
  };
  const auto flag = [&](const char* key, bool value) {
    if (value) out.set(key, true);
  };
  if (docker.entrypoint) out.set("entrypoint", strings(*docker.entrypoint));
  list("capAdd", docker.cap_add);
  list("capDrop", docker.cap_drop);
  list("securityOpt", docker.security_opt);
  list("groupAdd", docker.group_add);
  list("tmpfs", docker.tmpfs);
  list("devices", docker.devices);
  list("extraHosts", docker.extra_hosts);
  if (!docker.hostname.empty()) out.set("hostname", docker.hostname);
  flag("readOnly", docker.read_only);
  flag("init", docker.init);
  flag("tty", docker.tty);
  flag("privileged", docker.privileged);
  if (docker.shm_size) out.set("shmSize", *docker.shm_size);
}

Json canonical(const ServiceSpec& spec) {
  auto env = Json::object();
  for (const auto& [name, value] : spec.env) env.members().emplace_back(name, env_value(value));
  auto out = Json::object({{"argv", strings(spec.argv)},
                           {"env", std::move(env)},
                           {"workingDir", spec.working_dir},
                           {"user", spec.user},
                           {"cpuMillis", spec.resources.cpu_millis},
                           {"memoryBytes", spec.resources.memory_bytes},
                           {"pids", spec.resources.pids},
                           {"runtime", to_string(spec.runtime)}});
  const auto may_use = [&](RuntimeKind kind) {
    return spec.runtime == kind || spec.runtime == RuntimeKind::kAuto;
  };
  if (may_use(RuntimeKind::kProcess)) {
    auto limits = Json::object();
    for (const auto& [name, value] : spec.process.limits) limits.members().emplace_back(name, value);
    out.set("process", Json::object({{"limits", std::move(limits)}, {"nice", spec.process.nice}}));
  }
  if (may_use(RuntimeKind::kDocker)) {
    const auto& docker = spec.docker;
    auto options = Json::object({{"image", docker.image},
                                 {"pullPolicy", docker.pull_policy},
                                 {"container", docker.container},
                                 {"network", docker.network},
                                 {"volumes", strings(docker.volumes)},
                                 {"ports", strings(docker.ports)}});
    add_later_docker_options(options, docker);
    out.set("docker", std::move(options));
  }
  if (may_use(RuntimeKind::kKubernetes)) {
    // Ports, strategy and the like change no instance: the runtime tells what of them isn't in force.
    const auto& kubernetes = spec.kubernetes;
    auto options = Json::object({{"namespace", kubernetes.namespace_},
                                 {"image", kubernetes.image},
                                 {"serviceAccount", kubernetes.service_account},
                                 {"podTemplate", kubernetes.pod_template}});
    if (!kubernetes.pull_policy.empty()) options.set("pullPolicy", kubernetes.pull_policy);
    out.set("kubernetes", std::move(options));
  }
  return out;
}

std::string hash_of(const Json& value) {
  const std::string text = dump_json_canonical(value);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 || size < 16)
    throw std::runtime_error("OpenSSL offers no SHA-256");
  return to_hex(std::span(digest).first(16));
}

}  // namespace

std::string spec_hash(const ServiceSpec& spec) {
  return hash_of(canonical(spec));
}

std::string declaration_hash(const Json& merged) {
  return hash_of(merged);
}

bool same_declaration(const ServiceSpec& a, const ServiceSpec& b) {
  return a.name == b.name && a.desired == b.desired && a.runtime == b.runtime && a.replicas == b.replicas &&
         a.argv == b.argv && a.env == b.env && a.working_dir == b.working_dir && a.user == b.user &&
         a.restart == b.restart && a.stop == b.stop && a.health == b.health && a.depends_on == b.depends_on &&
         a.resources == b.resources && a.collectors == b.collectors && a.logs == b.logs &&
         a.labels == b.labels && a.process == b.process && a.docker == b.docker &&
         a.kubernetes == b.kubernetes && a.parameters == b.parameters &&
         a.parameter_schema == b.parameter_schema;
}

}  // namespace holdfast::config
