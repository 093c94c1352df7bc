// The options of a workload, in the words of a Deployment.
#include <algorithm>
#include <charconv>

#include "controller/config/decode.h"

namespace holdfast::config {

namespace {

constexpr std::int64_t kMaxPort = 65535;

// RFC 6335, as Kubernetes asks for in names of ports.
bool is_port_name(std::string_view text) {
  return text.size() <= 15 && is_dns_label(text) && text.find("--") == std::string_view::npos &&
         std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// "25%" or a whole number.
bool is_share_or_number(const Node& node) {
  if (node.scalar.is_int()) return node.scalar.as_int() >= 0;
  if (!node.is_string()) return false;
  std::string_view text = node.scalar.as_string();
  const bool share = text.ends_with('%');
  if (share) text.remove_suffix(1);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && (!share || value <= 100);
}

void read_share(Fields& fields, std::string_view key, std::string& out) {
  const Node* node = fields.take(key);
  if (!node) return;
  if (!is_share_or_number(*node))
    fields.fault(*node, fields.at(key), "expected a number of instances such as 1, or a share such as 25%");
  else
    out = node->is_string() ? node->scalar.as_string() : std::to_string(node->scalar.as_int());
}

KubernetesPort read_port(Reading& reading, const Node& node, const Path& path) {
  KubernetesPort port;
  if (node.scalar.is_int()) {  // the short form: only a number
    port.port = port.target = static_cast<int>(node.scalar.as_int());
    if (node.scalar.as_int() < 1 || node.scalar.as_int() > kMaxPort)
      reading.faults.add(node, path, "expected a port from 1 to 65535");
    return port;
  }
  Fields fields(reading, node, path);
  fields.text("name", port.name);
  if (const Node* name = fields.node().find("name"); name && name->is_string() && !is_port_name(port.name))
    fields.fault(*name, fields.at("name"), "expected at most 15 lower-case letters, digits and '-'");
  if (!fields.node().find("port")) fields.missing("port is missing");
  fields.integer("port", port.port, 1, kMaxPort);
  port.target = port.port;
  fields.integer("targetPort", port.target, 1, kMaxPort);
  fields.choice<std::string>("protocol", port.protocol, {{"TCP", "TCP"}, {"UDP", "UDP"}, {"SCTP", "SCTP"}});
  fields.finish();
  return port;
}

void read_ports(Fields& fields, std::vector<KubernetesPort>& ports) {
  const Node* node = fields.take("ports");
  if (!node) return;
  const Path list = fields.at("ports");
  if (!node->is_array()) return fields.fault(*node, list, "expected a list of ports, such as [8080]");
  for (size_t i = 0; i < node->items.size(); ++i) {
    const auto index = std::to_string(i);
    const Path at{&list, index};
    ports.push_back(read_port(fields.reading(), node->items[i], at));
    const auto& port = ports.back();
    if (node->items.size() > 1 && port.name.empty())
      fields.fault(node->items[i], at, "each of several ports needs a name");
    else if (std::any_of(ports.begin(), ports.end() - 1, [&](const auto& other) {
               return other.name == port.name || (other.port == port.port && other.protocol == port.protocol);
             }))
      fields.fault(node->items[i], at, "this port or its name is there already");
  }
}

void read_namespace(Fields& fields, std::string& namespace_) {
  fields.text("namespace", namespace_);
  const Node* name = fields.node().find("namespace");
  if (name && name->is_string() && !is_dns_label(name->scalar.as_string()))
    fields.fault(*name, fields.at("namespace"), "expected a namespace: lower-case letters, digits and '-'");
}

}  // namespace

KubernetesOptions decode_kubernetes(Reading& reading, const Node& node, const Path& path,
                                    Substitution& parameters) {
  KubernetesOptions options;
  Fields fields(reading, node, path);
  read_namespace(fields, options.namespace_);
  read_image(fields, parameters, options.image);
  fields.choice<std::string>("pullPolicy", options.pull_policy,
                             {{"always", "Always"}, {"ifNotPresent", "IfNotPresent"}, {"never", "Never"}});
  fields.non_empty_text("serviceAccount", options.service_account);
  read_ports(fields, options.ports);
  fields.choice<std::string>(
      "serviceType", options.service_type,
      {{"ClusterIP", "ClusterIP"}, {"NodePort", "NodePort"}, {"LoadBalancer", "LoadBalancer"}});
  fields.choice<std::string>("strategy", options.strategy,
                             {{"RollingUpdate", "RollingUpdate"}, {"Recreate", "Recreate"}});
  read_share(fields, "maxSurge", options.max_surge);
  read_share(fields, "maxUnavailable", options.max_unavailable);
  fields.duration("progressDeadline", options.progress_deadline, std::chrono::seconds{1});
  fields.boolean("adopt", options.adopt);
  if (const Node* pod = fields.take("podTemplate")) {
    if (!pod->is_object())
      fields.fault(*pod, fields.at("podTemplate"), "expected a map: a Kubernetes PodTemplateSpec");
    options.pod_template = to_json(*pod);
  }
  fields.finish();
  return options;
}

}  // namespace holdfast::config
