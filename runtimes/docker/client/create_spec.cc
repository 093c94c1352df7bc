#include "runtimes/docker/client/create_spec.h"

#include <algorithm>

#include "controller/model/docker_text.h"

namespace holdfast::docker {

namespace {

Json strings(const std::vector<std::string>& values) {
  auto out = Json::array();
  for (const auto& value : values) out.push_back(value);
  return out;
}

Json object_of(const std::map<std::string, std::string>& values) {
  auto out = Json::object();
  for (const auto& [key, value] : values) out.members().emplace_back(key, value);
  return out;
}

Json env_list(const std::map<std::string, std::string>& env) {
  auto out = Json::array();
  for (const auto& [name, value] : env) out.push_back(name + "=" + value);
  return out;
}

void add_ports(const std::vector<std::string>& ports, Json& config, Json& host) {
  auto exposed = Json::object(), bindings = Json::object();
  for (const auto& text : ports) {
    for (const auto& port : parse_port_mapping(text).value_or(std::vector<PortMapping>{})) {
      const auto key = std::to_string(port.container_port) + "/" + port.protocol;
      exposed.set(key, Json::object());
      if (!bindings.find(key)) bindings.set(key, Json::array());
      bindings.find(key)->push_back(
          Json::object({{"HostIp", port.host_ip},
                        {"HostPort", port.host_port == 0 ? "" : std::to_string(port.host_port)}}));
    }
  }
  config.set("ExposedPorts", std::move(exposed));
  host.set("PortBindings", std::move(bindings));
}

// "target[:options]" -> {target: options}
Json tmpfs_of(const std::vector<std::string>& mounts) {
  auto out = Json::object();
  for (const auto& mount : mounts) {
    const auto colon = std::min(mount.find(':'), mount.size());
    out.set(mount.substr(0, colon), mount.substr(std::min(colon + 1, mount.size())));
  }
  return out;
}

// "host[:container[:rwm]]"
Json devices_of(const std::vector<std::string>& devices) {
  auto out = Json::array();
  for (const auto& device : devices) {
    const auto first = std::min(device.find(':'), device.size());
    const auto second = std::min(device.find(':', std::min(first + 1, device.size())), device.size());
    const auto host = device.substr(0, first);
    const auto inside = first == device.size() ? host : device.substr(first + 1, second - first - 1);
    const auto rights = second == device.size() ? "rwm" : device.substr(second + 1);
    out.push_back(
        Json::object({{"PathOnHost", host}, {"PathInContainer", inside}, {"CgroupPermissions", rights}}));
  }
  return out;
}

Json log_config(const CreateSpec& spec) {
  auto options = Json::object();
  if (spec.log_max_size) options.set("max-size", std::to_string(*spec.log_max_size));
  if (spec.log_max_files) options.set("max-file", std::to_string(*spec.log_max_files));
  return Json::object({{"Type", "json-file"}, {"Config", std::move(options)}});
}

Json host_config(const CreateSpec& spec) {
  auto host =
      Json::object({{"RestartPolicy", Json::object({{"Name", "no"}})}, {"LogConfig", log_config(spec)}});
  const auto add = [&](const char* key, const std::vector<std::string>& values) {
    if (!values.empty()) host.set(key, strings(values));
  };
  add("Binds", spec.volumes);
  add("CapAdd", spec.cap_add);
  add("CapDrop", spec.cap_drop);
  add("SecurityOpt", spec.security_opt);
  add("GroupAdd", spec.group_add);
  add("ExtraHosts", spec.extra_hosts);
  if (!spec.tmpfs.empty()) host.set("Tmpfs", tmpfs_of(spec.tmpfs));
  if (!spec.devices.empty()) host.set("Devices", devices_of(spec.devices));
  if (!spec.network.empty()) host.set("NetworkMode", spec.network);
  if (spec.read_only) host.set("ReadonlyRootfs", true);
  if (spec.init) host.set("Init", true);
  if (spec.privileged) host.set("Privileged", true);
  if (spec.nano_cpus) host.set("NanoCpus", *spec.nano_cpus);
  if (spec.memory_bytes) {
    host.set("Memory", *spec.memory_bytes);
    host.set("MemorySwap", *spec.memory_bytes);  // no swap beside it: the limit is what it says
  }
  if (spec.pids) host.set("PidsLimit", *spec.pids);
  if (spec.shm_size) host.set("ShmSize", *spec.shm_size);
  return host;
}

}  // namespace

Json create_body(const CreateSpec& spec) {
  auto body =
      Json::object({{"Image", spec.image}, {"Env", env_list(spec.env)}, {"Labels", object_of(spec.labels)}});
  if (!spec.command.empty()) body.set("Cmd", strings(spec.command));
  if (spec.entrypoint) {
    // The engine takes an empty list for "not given" and one empty word for "none".
    body.set("Entrypoint", spec.entrypoint->empty() ? Json::array({""}) : strings(*spec.entrypoint));
  }
  if (!spec.working_dir.empty()) body.set("WorkingDir", spec.working_dir);
  if (!spec.user.empty()) body.set("User", spec.user);
  if (!spec.hostname.empty()) body.set("Hostname", spec.hostname);
  if (spec.tty) body.set("Tty", true);
  if (!spec.anonymous_volumes.empty()) {
    auto volumes = Json::object();
    for (const auto& target : spec.anonymous_volumes) volumes.set(target, Json::object());
    body.set("Volumes", std::move(volumes));
  }
  auto host = host_config(spec);
  add_ports(spec.ports, body, host);
  body.set("HostConfig", std::move(host));
  if (!spec.network_aliases.empty() && !spec.network.empty()) {
    body.set(
        "NetworkingConfig",
        Json::object(
            {{"EndpointsConfig",
              Json::object({{spec.network, Json::object({{"Aliases", strings(spec.network_aliases)}})}})}}));
  }
  return body;
}

}  // namespace holdfast::docker
