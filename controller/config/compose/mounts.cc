#include "controller/base/text.h"
#include "controller/config/compose/service.h"
#include "controller/model/docker_text.h"

namespace holdfast::config {

namespace {

bool is_path(std::string_view source) {
  return source.starts_with('/') || source.starts_with('.') || source.starts_with('~');
}

// The name that compose gave to a volume of the file: with its project's name before it, unless it was said
// otherwise.
std::string volume_name(Section& service, const Node& node, const std::string& path,
                        const std::string& name) {
  auto& compose = service.compose();
  const Node* volume = compose.volumes ? compose.volumes->find(name) : nullptr;
  if (!volume) {
    compose.fault(node, path, "the volume '" + name + "' is not under volumes of the file");
    return name;
  }
  const Node* external = volume->find("external");
  if (const Node* own = volume->find("name")) return text_of(*own).value_or(name);
  if (external && external->find("name")) return text_of(*external->find("name")).value_or(name);
  const bool outside = external && (external->is_object() || text_of(*external) == "true");
  return outside ? name : compose.project + "_" + name;
}

void add_mount(Section& service, const Node& node, const std::string& path, const std::string& text,
               Json& volumes) {
  if (const auto mount = parse_volume_mount(text); mount)
    volumes.push_back(escape_parameters(text));
  else
    service.compose().fault(node, path, mount.error().message);
}

void short_mount(Section& service, const Node& node, const std::string& path, const std::string& text,
                 Json& volumes) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return add_mount(service, node, path, text, volumes);
  const auto source = text.substr(0, colon);
  const auto full =
      is_path(source) ? service.compose().absolute(source) : volume_name(service, node, path, source);
  add_mount(service, node, path, full + text.substr(colon), volumes);
}

void tmpfs_mount(Section& mount, const std::string& target, Json& tmpfs) {
  std::vector<std::string> options;
  if (const Node* node = mount.take("tmpfs")) {
    Section section(mount.compose(), *node, mount.at("tmpfs"));
    if (const auto size = section.bytes("size"); size && *size > 0)
      options.push_back("size=" + std::to_string(*size));
    if (const auto mode = section.text("mode")) options.push_back("mode=" + *mode);
    section.finish();
  }
  tmpfs.push_back(escape_parameters(target + (options.empty() ? "" : ":" + join(options, ","))));
}

std::vector<std::string> mount_options(Section& mount) {
  std::vector<std::string> options;
  if (mount.boolean("read_only").value_or(false)) options.emplace_back("ro");
  if (const Node* node = mount.take("bind")) {
    Section bind(mount.compose(), *node, mount.at("bind"));
    if (const auto propagation = bind.text("propagation")) options.push_back(*propagation);
    if (const auto selinux = bind.text("selinux")) options.push_back(*selinux);
    bind.take("create_host_path");  // what the engine does anyway
    bind.finish();
  }
  if (const Node* node = mount.take("volume")) {
    Section volume(mount.compose(), *node, mount.at("volume"));
    if (volume.boolean("nocopy").value_or(false)) options.emplace_back("nocopy");
    volume.finish();
  }
  mount.take("consistency");  // only of Docker Desktop for Mac
  return options;
}

void long_mount(Section& service, const Node& node, const std::string& path, Json& volumes, Json& tmpfs) {
  Section mount(service.compose(), node, path);
  const auto type = mount.text("type").value_or("volume"), target = mount.text("target").value_or("");
  const auto source = mount.text("source").value_or("");
  if (!target.starts_with('/')) {
    service.compose().fault(node, path, "target, an absolute path, is missing");
  } else if (type == "tmpfs") {
    tmpfs_mount(mount, target, tmpfs);
  } else if (type == "bind" || type == "volume") {
    const auto options = mount_options(mount);
    auto text = source.empty()   ? target
                : type == "bind" ? service.compose().absolute(source) + ":" + target
                                 : volume_name(service, node, path, source) + ":" + target;
    if (!options.empty() && !source.empty()) text += ":" + join(options, ",");
    add_mount(service, node, path, text, volumes);
  } else {
    service.compose().note(path, "not carried over (Holdfast mounts no " + type + ")");
    return;
  }
  mount.finish();
}

// A secret of a file is that file, mounted where compose mounts it.
void read_secret(Section& service, const Node& node, const std::string& path, Json& volumes) {
  auto& compose = service.compose();
  std::string name = text_of(node).value_or(""), target = name;
  if (node.is_object()) {
    Section section(compose, node, path);
    name = section.text("source").value_or("");
    target = section.text("target").value_or(name);
    section.finish();
  }
  const Node* secret = compose.secrets ? compose.secrets->find(name) : nullptr;
  const Node* file = secret ? secret->find("file") : nullptr;
  if (!secret) return compose.fault(node, path, "the secret '" + name + "' is not under secrets of the file");
  if (!file || !text_of(*file)) {
    return compose.note(
        path, "not carried over (only secrets of a file are; Holdfast's own are declared with env: {" + name +
                  ": {secret: {file: /path}}})");
  }
  if (!target.starts_with('/')) target.insert(0, "/run/secrets/");
  add_mount(service, node, path, compose.absolute(*text_of(*file)) + ":" + target + ":ro", volumes);
}

}  // namespace

void convert_mounts(Section& service, Converted& out) {
  Json volumes = Json::array(), tmpfs = Json::array();
  for (const auto& target : service.texts("tmpfs")) tmpfs.push_back(escape_parameters(target));
  if (const Node* list = service.take("volumes")) {
    if (!list->is_array()) service.compose().fault(*list, service.at("volumes"), "expected a list");
    for (size_t i = 0; i < list->items.size(); ++i) {
      const Node& item = list->items[i];
      const auto path = service.at("volumes") + "." + std::to_string(i);
      if (const auto text = text_of(item))
        short_mount(service, item, path, *text, volumes);
      else
        long_mount(service, item, path, volumes, tmpfs);
    }
  }
  if (const Node* list = service.take("secrets")) {
    for (size_t i = 0; i < list->items.size(); ++i)
      read_secret(service, list->items[i], service.at("secrets") + "." + std::to_string(i), volumes);
  }
  if (!volumes.items().empty()) out.docker.set("volumes", std::move(volumes));
  if (!tmpfs.items().empty()) out.docker.set("tmpfs", std::move(tmpfs));
}

}  // namespace holdfast::config
