#include <algorithm>
#include <unordered_map>
#include <utility>

#include "controller/config/config.h"
#include "controller/config/decode.h"
#include "controller/config/defaults.h"
#include "controller/config/dependencies.h"
#include "controller/config/faults.h"
#include "controller/config/fields.h"
#include "controller/config/merge.h"
#include "controller/config/parameters.h"
#include "controller/config/parse.h"
#include "controller/config/path.h"
#include "controller/config/spec_hash.h"

namespace holdfast::config {

namespace {

constexpr std::string_view kApiVersion = "holdfast/v1";

// Equal down to the order of keys: cheap, and enough to tell that nothing was touched.
bool identical(const Json& a, const Json& b) {
  if (a.is_object() && b.is_object()) {
    return std::equal(a.members().begin(), a.members().end(), b.members().begin(), b.members().end(),
                      [](const Json::Member& x, const Json::Member& y) {
                        return x.first == y.first && identical(x.second, y.second);
                      });
  }
  if (a.is_array() && b.is_array())
    return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(), identical);
  return a.type_name() == b.type_name() && a == b;
}

class Loader {
 public:
  Loader(const std::vector<LayerText>& layers, const std::map<std::string, SpecPtr>& specs,
         const Document* previous)
      : layers_(layers), specs_(specs), previous_(previous) {}

  Loaded run() {
    parse();
    if (faults_.empty()) build();
    if (!faults_.empty()) return {std::nullopt, faults_.errors(layers_)};
    return {std::move(document_), {}};
  }

 private:
  // Without all layers no merge: what a broken one says would be missed everywhere.
  void parse() {
    for (size_t i = 0; i < layers_.size(); ++i) {
      document_.parsed.push_back(parsed(layers_[i]));
      const auto& layer = *document_.parsed.back();
      if (layer.fault) {
        faults_.add(at_layer(layer.fault->mark, i), layer.fault->path, layer.fault->message);
        continue;
      }
      document_.layers.push_back(to_json(layer.root));
    }
  }

  std::shared_ptr<const ParsedLayer> parsed(const LayerText& layer) const {
    if (previous_) {
      for (const auto& known : previous_->parsed) {
        if (known->json == is_json_file(layer.file) && known->text == layer.text) return known;
      }
    }
    return parse_layer(layer);
  }

  static Mark at_layer(Mark mark, size_t layer) {
    mark.layer = static_cast<std::int32_t>(layer);
    return mark;
  }

  void build() {
    check_versions();
    MergedLayers merged = merge_layers(document_.parsed, faults_);
    Node& rest = merged.document;
    const Node defaults = take_defaults(rest);
    fill_document_defaults(rest);
    decode_rest(rest);
    merge_services(merged, defaults);
    decode_services();
    check_dependencies(services_, faults_);
    if (services_.empty() && faults_.empty() && !document_.controller.allow_empty) {
      faults_.add(Mark{layers_.empty() ? -1 : 0, 0, 0}, "services",
                  "no service is declared, which would stop everything; if that is meant, set "
                  "controller.allowEmpty: true");
    }
    if (faults_.empty()) publish(rest);
  }

  void check_versions() {
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Node* version = document_.parsed[i]->root.find("apiVersion");
      if (!version || version->is_null()) continue;
      if (version->is_string() && version->scalar.as_string() == kApiVersion) continue;
      faults_.add(at_layer(version->mark, i), "apiVersion", "expected " + std::string(kApiVersion),
                  abridged(*version));
    }
  }

  // What every service begins with. Checked by itself, so that a fault in it is reported once and not for
  // every service.
  Node take_defaults(const Node& rest) {
    Node none;
    none.kind = Node::Kind::kObject;
    const Node* defaults = rest.find("defaults");
    if (!defaults) return none;
    Reading reading{faults_, true};
    const Path root, path{&root, "defaults"};
    decode_service(reading, {}, *defaults, path);
    faults_.report_once();
    return defaults->is_object() ? *defaults : none;
  }

  void decode_rest(const Node& rest) {
    Reading reading{faults_};
    const Path root;
    Fields fields(reading, rest, root);
    for (const auto* key : {"apiVersion", "services", "defaults"}) fields.take(key);
    if (const Node* controller = fields.take("controller"))
      document_.controller = decode_controller(reading, *controller, fields.at("controller"));
    if (const Node* streaming = fields.take("streaming")) {
      Fields inner(reading, *streaming, fields.at("streaming"));
      inner.text("service", document_.streaming_service);
      const Node* name = streaming->find("service");
      if (name && name->is_string() && !is_dns_label(document_.streaming_service))
        inner.fault(*name, inner.at("service"), "expected the name of a service");
      inner.finish();
    }
    fields.finish();
  }

  void merge_services(const MergedLayers& merged, const Node& defaults) {
    const Path root, services{&root, "services"};
    for (const auto& [name, patches] : merged.services) {
      if (!is_dns_label(name)) {
        faults_.add(
            patches.back().key_mark, Path{&services, name}.text(),
            "a service's name is made of 1 to 63 lower-case letters, digits and '-', and begins and ends "
            "with a letter or digit",
            dump_json(Json(name)));
      }
      Node service = defaults;
      for (const auto& patch : patches) merge_into(service, *patch.node, patch.layer);
      fill_service_defaults(service);
      fill_parameter_defaults(service);
      services_.emplace_hint(services_.end(), name, std::move(service));
    }
  }

  void decode_services() {
    std::unordered_map<std::string_view, const Json*> before;
    if (previous_) {
      for (const auto& [name, value] : previous_->merged.at("services").members())
        before.emplace(name, &value);
    }
    Json::Object merged;
    merged.reserve(services_.size());
    Reading reading{faults_};
    const Path root, services{&root, "services"};
    for (const auto& [name, node] : services_) {
      const Json& json = merged.emplace_back(name, to_json(node)).second;
      const auto spec = specs_.find(name);
      const SpecPtr old = spec == specs_.end() ? nullptr : spec->second;
      const auto seen = before.find(name);
      const bool same = old && seen != before.end() && identical(*seen->second, json);
      SpecPtr now = same ? old : decode(reading, name, node, json, {&services, name}, old);
      document_.services.emplace_hint(document_.services.end(), name, std::move(now));
    }
    merged_services_ = Json(std::move(merged));
  }

  static SpecPtr decode(Reading& reading, const std::string& name, const Node& node, const Json& json,
                        const Path& path, const SpecPtr& old) {
    const auto faults = reading.faults.count();
    auto spec = std::make_shared<ServiceSpec>(decode_service(reading, name, node, path));
    if (reading.faults.count() > faults) return spec;  // never published
    if (old && same_declaration(*old, *spec)) return old;
    spec->generation = old ? old->generation + 1 : 1;
    spec->spec_hash = spec_hash(*spec);
    spec->declaration = declaration_hash(json);
    return spec;
  }

  void publish(const Node& rest) {
    document_.merged = to_json(rest);
    document_.merged.set("services", std::move(merged_services_));
    std::string pointer;
    trace(rest, pointer);
    for (const auto& [name, node] : services_) {
      pointer = "/services";
      append_pointer(pointer, name);
      trace(node, pointer);
    }
    if (services_.empty()) document_.origins.emplace("/services", Origin{"defaults", {}, 0, 0});
  }

  // In the order of the map, so that most insertions need no search.
  void trace(const Node& node, std::string& pointer) {
    const size_t length = pointer.size();
    if (node.items.empty() && node.members.empty()) {
      const auto it = document_.origins.emplace_hint(next_origin_, pointer, origin_of(node.mark, layers_));
      next_origin_ = std::next(it);
      return;
    }
    for (size_t i = 0; i < node.items.size(); ++i) {
      append_pointer(pointer, std::to_string(i));
      trace(node.items[i], pointer);
      pointer.resize(length);
    }
    std::vector<const NodeMember*> members;
    members.reserve(node.members.size());
    for (const auto& member : node.members) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const NodeMember* a, const NodeMember* b) { return a->key < b->key; });
    for (const auto* member : members) {
      append_pointer(pointer, member->key);
      trace(member->value, pointer);
      pointer.resize(length);
    }
  }

  const std::vector<LayerText>& layers_;
  const std::map<std::string, SpecPtr>& specs_;
  const Document* previous_;
  Faults faults_;
  Document document_;
  std::map<std::string, Origin>::iterator next_origin_ = document_.origins.end();
  std::map<std::string, Node> services_;
  Json merged_services_;
};

std::string place(const Origin& origin) {
  std::string text = origin.layer;
  if (!origin.file.empty()) text += " " + origin.file;
  if (origin.line > 0) text += ":" + std::to_string(origin.line) + ":" + std::to_string(origin.column);
  return text;
}

void collect_changes(const Json& before, const Json& after, std::vector<std::string>& segments,
                     std::vector<std::string>& paths) {
  if (before == after) return;
  if (!before.is_object() || !after.is_object()) {
    paths.push_back(path_of(segments));
    return;
  }
  const auto into = [&](const std::string& key, const Json& a, const Json& b) {
    segments.push_back(key);
    collect_changes(a, b, segments, paths);
    segments.pop_back();
  };
  for (const auto& [key, value] : before.members()) into(key, value, after.at(key));
  for (const auto& [key, value] : after.members()) {
    if (!before.find(key)) into(key, Json(), value);
  }
}

}  // namespace

Loaded load(const std::vector<LayerText>& layers, const std::map<std::string, SpecPtr>& previous) {
  return Loader(layers, previous, nullptr).run();
}

Loaded load(const std::vector<LayerText>& layers, const Document& previous) {
  return Loader(layers, previous.services, &previous).run();
}

Result<Json> parse_document(const LayerText& layer) {
  const auto parsed = parse_layer(layer);
  if (!parsed->fault) return to_json(parsed->root);
  Faults faults;
  faults.add({0, parsed->fault->mark.line, parsed->fault->mark.column}, parsed->fault->path,
             parsed->fault->message);
  return fail(to_error(faults.errors({layer})));
}

Error to_error(const std::vector<ConfigError>& errors) {
  Error error{ErrorCode::kInvalid, "the configuration is invalid", {}, true, {}};
  if (!errors.empty()) {
    error.message = describe(errors.front());
    if (errors.size() > 1) error.message += " (and " + std::to_string(errors.size() - 1) + " more)";
  }
  error.hint = "correct it and try again; nothing was changed";
  for (const auto& each : errors) {
    std::string message = each.message;
    if (!each.value.empty()) message += " (got " + each.value + ")";
    error.details.push_back({each.path, std::move(message), place(each.origin)});
  }
  return error;
}

std::vector<std::string> changed_paths(const Json& before, const Json& after) {
  std::vector<std::string> segments, paths;
  collect_changes(before, after, segments, paths);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace holdfast::config
