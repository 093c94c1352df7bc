#include <algorithm>

#include "controller/config/compose/service.h"
#include "controller/model/docker_text.h"

namespace holdfast::config {

namespace {

// The name that compose gave to a network of the file.
std::string network_name(Compose& compose, const std::string& key) {
  const Node* network = compose.networks ? compose.networks->find(key) : nullptr;
  const Node* external = network ? network->find("external") : nullptr;
  const bool outside = external && (external->is_object() || text_of(*external) == "true");
  std::string name = outside ? key : compose.project + "_" + key;
  if (const Node* own = network ? network->find("name") : nullptr)
    name = text_of(*own).value_or(name);
  else if (const Node* theirs = external ? external->find("name") : nullptr)
    name = text_of(*theirs).value_or(name);
  if (!outside) compose.own_networks.insert(name);
  return name;
}

void read_mode(Section& service, const Node& node, Converted& out) {
  auto mode = text_of(node).value_or("");
  constexpr std::string_view kService = "service:";
  if (mode.starts_with(kService)) {
    const auto& names = service.compose().names;
    const auto other = names.find(mode.substr(kService.size()));
    if (other == names.end()) {
      service.compose().fault(node, service.at("network_mode"), "there is no such service");
      return;
    }
    mode = "container:holdfast-" + other->second + "-0";
    Json depends = Json::object();
    depends.set(other->second, "started");
    out.service.set("dependsOn", std::move(depends));
  }
  out.docker.set("network", mode);
}

void read_networks(Section& service, const Node& node, Converted& out) {
  std::vector<std::string> keys;
  if (node.is_array()) {
    keys = service.texts("networks");
  } else {
    for (const auto& member : node.members) {
      keys.push_back(member.key);
      if (member.value.is_object())
        Section(service.compose(), member.value, service.at("networks") + "." + member.key).finish();
    }
  }
  auto& compose = service.compose();
  for (const auto& key : keys) {
    if (key != "default" && !(compose.networks && compose.networks->find(key)))
      compose.fault(node, service.at("networks"),
                    "the network '" + key + "' is not under networks of the file");
  }
  if (keys.empty()) return;
  const auto name = network_name(compose, keys.front());
  out.docker.set("network", name);
  if (keys.size() > 1)
    service.note("networks",
                 "only the first is carried over, " + name + " (a container of Holdfast's is on one)");
}

// As -p writes it; empty, and reported, where a part is missing.
std::string long_port(Section& service, const Node& node, const std::string& path) {
  Section port(service.compose(), node, path);
  const auto target = port.text("target"), published = port.text("published"), host = port.text("host_ip"),
             protocol = port.text("protocol");
  for (const auto* key : {"mode", "name", "app_protocol"}) port.take(key);
  port.finish();
  if (!target) {
    service.compose().fault(node, path, "target, the container's port, is missing");
    return {};
  }
  std::string text;
  if (host && !host->empty()) text = (host->find(':') != std::string::npos ? "[" + *host + "]" : *host) + ":";
  if (published || !text.empty()) text += published.value_or("") + ":";
  return text + *target + (protocol ? "/" + *protocol : "");
}

void read_port(Section& service, const Node& node, const std::string& path, const Converted& out,
               Json& ports) {
  auto& compose = service.compose();
  auto text = text_of(node).value_or("");
  if (node.is_object()) text = long_port(service, node, path);
  if (text.empty()) return;
  const auto mappings = parse_port_mapping(text);
  if (!mappings) return compose.fault(node, path, mappings.error().message);
  const bool fixed =
      std::any_of(mappings->begin(), mappings->end(), [](const auto& each) { return each.host_port != 0; });
  if (!fixed || out.replicas <= 1) {
    ports.push_back(escape_parameters(text));
    return;
  }
  for (const auto& mapping : *mappings)
    ports.push_back(std::to_string(mapping.container_port) + "/" + mapping.protocol);
  compose.note(path, "the host's port is left out: of " + std::to_string(out.replicas) +
                         " replicas only one could have it; the engine picks one for each");
}

void read_ports(Section& service, Converted& out) {
  const Node* node = service.take("ports");
  if (!node) return;
  if (!node->is_array()) service.compose().fault(*node, service.at("ports"), "expected a list");
  Json ports = Json::array();
  for (size_t i = 0; i < node->items.size(); ++i)
    read_port(service, node->items[i], service.at("ports") + "." + std::to_string(i), out, ports);
  if (!ports.items().empty()) out.docker.set("ports", std::move(ports));
}

}  // namespace

void convert_networks(Section& service, Converted& out) {
  const Node* networks = service.take("networks");
  if (const Node* mode = service.take("network_mode"))
    read_mode(service, *mode, out);
  else if (networks)
    read_networks(service, *networks, out);
  else if (service.compose().names.size() > 1)  // one alone has nobody to reach
    out.docker.set("network", network_name(service.compose(), "default"));
  read_ports(service, out);
  Json hosts = Json::array();
  for (const auto& entry : service.pairs("extra_hosts", "=:")) {
    if (entry.value)
      hosts.push_back(escape_parameters(entry.key + ":" + *entry.value));
    else
      service.compose().fault(*entry.node, entry.path, "expected name:address");
  }
  if (!hosts.items().empty()) out.docker.set("extraHosts", std::move(hosts));
  if (const auto name = service.text("hostname"); name && !name->empty()) out.docker.set("hostname", *name);
}

}  // namespace holdfast::config
