// The options of a container, in the words of `docker run`.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <functional>

#include "controller/config/decode.h"
#include "controller/model/docker_text.h"

namespace holdfast::config {

namespace {

using Check = std::function<Status(std::string_view)>;

tl::unexpected<Error> bad_item(std::string_view text, const std::string& what, std::string hint) {
  return fail_terminal(ErrorCode::kInvalid, "'" + std::string(text) + "' is " + what, std::move(hint));
}

Status check_port(std::string_view text) {
  if (auto ports = parse_port_mapping(text); !ports) return fail(ports.error());
  return {};
}

Status check_volume(std::string_view text) {
  if (auto mount = parse_volume_mount(text); !mount) return fail(mount.error());
  return {};
}

Status check_tmpfs(std::string_view text) {
  if (text.starts_with('/')) return {};
  return bad_item(text, "not a tmpfs mount: the target is not an absolute path",
                  "write target or target:options, such as /run or /scratch:size=64m");
}

Status check_device(std::string_view text) {
  const auto first = text.find(':');
  const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
  const auto target =
      first == std::string_view::npos ? text : text.substr(first + 1, second - std::min(second, first + 1));
  const auto access = second == std::string_view::npos ? std::string_view("rwm") : text.substr(second + 1);
  const bool good = text.starts_with('/') && target.starts_with('/') && !access.empty() &&
                    access.find_first_not_of("rwm") == std::string_view::npos;
  if (good) return {};
  return bad_item(text, "not a device",
                  "write host, host:container or host:container:rwm, such as /dev/ttyS0");
}

Status check_extra_host(std::string_view text) {
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && colon > 0) {
    const auto address = text.substr(colon + 1);
    if (address == "host-gateway") return {};
    if (!address.empty() && address.find_first_not_of("0123456789abcdefABCDEF.:[]") == std::string_view::npos)
      return {};
  }
  return bad_item(text, "not a host and its address",
                  "write name:address, such as db:10.0.0.5 or host.docker.internal:host-gateway");
}

// An item that is no string was reported while it was read, and is empty in the list.
void check_items(const Fields& fields, std::string_view key, const std::vector<std::string>& values,
                 const Check& check) {
  const Node* node = fields.node().find(key);
  if (fields.reading().partial || !node || node->items.size() != values.size()) return;
  const Path list = fields.at(key);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!node->items[i].is_string()) continue;
    const auto checked = check(values[i]);
    if (checked) continue;
    const auto index = std::to_string(i);
    const auto& error = checked.error();
    fields.fault(node->items[i], {&list, index},
                 error.hint.empty() ? error.message : error.message + "; " + error.hint);
  }
}

void read_checked(Fields& fields, std::string_view key, Substitution& parameters,
                  std::vector<std::string>& out, const Check& check) {
  const Node* node = fields.take(key);
  if (!node) return;
  const Path at = fields.at(key);
  if (!node->is_array()) {
    fields.fault(*node, at, "expected a list of strings");
    return;
  }
  const auto before = fields.reading().faults.count();
  out = parameters.apply_list(*node, at);
  if (fields.reading().faults.count() == before) check_items(fields, key, out, check);
}

void read_entrypoint(Fields& fields, Substitution& parameters,
                     std::optional<std::vector<std::string>>& entrypoint) {
  const Node* node = fields.take("entrypoint");
  if (!node) return;
  entrypoint = parameters.apply_list(*node, fields.at("entrypoint"));
  if (node->is_array() && !node->items.empty() && node->items[0].is_string() &&
      node->items[0].scalar.as_string().empty())
    fields.fault(*node, fields.at("entrypoint"), "expected the program as the first item, or [] for none");
}

// CAP_NET_ADMIN, net_admin and NET_ADMIN are one; the last is kept, as `docker run` shows it.
void read_capabilities(Fields& fields, std::string_view key, std::vector<std::string>& out) {
  fields.texts(key, out);
  for (auto& name : out) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    if (name.starts_with("CAP_")) name.erase(0, 4);
  }
  check_items(fields, key, out, [](std::string_view name) -> Status {
    const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_';
    });
    if (good) return {};
    return bad_item(name, "not a capability", "write a name of capabilities(7), such as NET_ADMIN, or ALL");
  });
}

// Names or numbers, as `user` takes them.
void read_groups(Fields& fields, std::vector<std::string>& groups) {
  const Node* node = fields.take("groupAdd");
  if (!node) return;
  const Path at = fields.at("groupAdd");
  if (!node->is_array()) fields.fault(*node, at, "expected a list of groups, by name or number");
  groups.clear();
  for (size_t i = 0; i < node->items.size(); ++i) {
    const Node& item = node->items[i];
    const auto index = std::to_string(i);
    if (item.scalar.is_int() && item.scalar.as_int() >= 0)
      groups.push_back(std::to_string(item.scalar.as_int()));
    else if (item.is_string() && !item.scalar.as_string().empty())
      groups.push_back(item.scalar.as_string());
    else
      fields.fault(item, {&at, index}, "expected the name or number of a group");
  }
}

void read_switches(Fields& fields, DockerOptions& options) {
  fields.boolean("readOnly", options.read_only);
  fields.boolean("init", options.init);
  fields.boolean("tty", options.tty);
  fields.boolean("privileged", options.privileged);
  if (fields.node().find("shmSize"))
    fields.bytes("shmSize", options.shm_size.emplace(), 1, std::numeric_limits<std::int64_t>::max());
  fields.take("shmSize");
}

bool has_fixed_host_port(const std::string& text) {
  const auto ports = parse_port_mapping(text);
  return ports && std::any_of(ports->begin(), ports->end(), [](const auto& port) { return port.host_port; });
}

}  // namespace

void read_image(Fields& fields, Substitution& parameters, std::string& image) {
  const Node* node = fields.take("image");
  if (!node) return;
  const auto before = fields.reading().faults.count();
  image = parameters.apply_text(*node, fields.at("image"));
  if (image.empty() && fields.reading().faults.count() == before && !fields.reading().partial)
    fields.fault(*node, fields.at("image"), "expected a string that isn't empty");
}

DockerOptions decode_docker(Reading& reading, const Node& node, const Path& path, Substitution& parameters) {
  DockerOptions options;
  Fields fields(reading, node, path);
  read_image(fields, parameters, options.image);
  fields.choice<std::string>("pullPolicy", options.pull_policy,
                             {{"ifNotPresent", "ifNotPresent"}, {"always", "always"}, {"never", "never"}});
  fields.non_empty_text("container", options.container);
  read_entrypoint(fields, parameters, options.entrypoint);
  read_checked(fields, "volumes", parameters, options.volumes, check_volume);
  read_checked(fields, "ports", parameters, options.ports, check_port);
  fields.non_empty_text("network", options.network);
  read_checked(fields, "tmpfs", parameters, options.tmpfs, check_tmpfs);
  read_checked(fields, "devices", parameters, options.devices, check_device);
  read_checked(fields, "extraHosts", parameters, options.extra_hosts, check_extra_host);
  fields.non_empty_text("hostname", options.hostname);
  read_capabilities(fields, "capAdd", options.cap_add);
  read_capabilities(fields, "capDrop", options.cap_drop);
  fields.texts("securityOpt", options.security_opt);
  read_groups(fields, options.group_add);
  read_switches(fields, options);
  fields.finish();
  return options;
}

void check_docker_replicas(Reading& reading, const Node& node, const Path& path, const ServiceSpec& spec) {
  const bool may_use = spec.runtime == RuntimeKind::kDocker || spec.runtime == RuntimeKind::kAuto;
  if (spec.replicas <= 1 || !may_use || reading.partial) return;
  const std::string replicas = "replicas is " + std::to_string(spec.replicas);
  if (const Node* container = node.find("container")) {
    reading.faults.add(*container, {&path, "container"},
                       replicas +
                           ", but one container can't be more than one; set replicas to 1, or leave "
                           "container out and name an image");
  }
  const Node* ports = node.find("ports");
  if (!ports || ports->items.size() != spec.docker.ports.size()) return;
  const Path at{&path, "ports"};
  for (size_t i = 0; i < ports->items.size(); ++i) {
    if (!has_fixed_host_port(spec.docker.ports[i])) continue;
    const auto index = std::to_string(i);
    reading.faults.add(ports->items[i], {&at, index},
                       replicas +
                           ", but only one container can have a fixed port of the host; write the "
                           "container's port alone, and the engine picks a free one for each");
  }
}

}  // namespace holdfast::config
