#include "controller/config/parameters.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "controller/config/nearest.h"
#include "controller/config/schema_validator.h"

namespace holdfast::config {

namespace {

// More than the operating system takes as arguments of a program anyway (ARG_MAX is 2 MiB).
constexpr size_t kMostSubstituted = 1u << 20;

const Node* properties_of(const Node* schema) {
  const Node* properties = schema ? schema->find("properties") : nullptr;
  return properties && properties->is_object() ? properties : nullptr;
}

// The deepest part that exists: a missing parameter is reported at the map it is missing in.
const Node& locate(const Node& root, const std::vector<std::string>& segments) {
  const Node* node = &root;
  for (const auto& segment : segments) {
    const Node* next = node->find(segment);
    if (node->is_array()) {
      const bool index =
          !segment.empty() && segment.size() < 9 &&
          std::all_of(segment.begin(), segment.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
      const size_t i = index ? std::stoul(segment) : node->items.size();
      if (i < node->items.size()) next = &node->items[i];
    }
    if (!next) break;
    node = next;
  }
  return *node;
}

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

void fill_parameter_defaults(Node& service) {
  const Node* properties = properties_of(service.find("parameterSchema"));
  if (!properties) return;
  std::vector<NodeMember> missing;
  const Node* parameters = service.find("parameters");
  if (parameters && !parameters->is_object()) return;
  for (const auto& property : properties->members) {
    const Node* value = property.value.find("default");
    if (!value || value->is_null() || (parameters && parameters->find(property.key))) continue;
    missing.push_back({property.key, value->mark, *value});
  }
  if (missing.empty()) return;
  if (!parameters) {
    Node empty;
    empty.kind = Node::Kind::kObject;
    empty.mark = properties->mark;
    service.members.push_back({"parameters", properties->mark, std::move(empty)});
  }
  auto& members = service.find("parameters")->members;
  std::move(missing.begin(), missing.end(), std::back_inserter(members));
}

void check_parameters(Reading& reading, const Node* schema, const Node* parameters, const Path& service) {
  if (!schema || reading.partial) return;
  const Path schema_path{&service, "parameterSchema"};
  if (!schema->is_object()) {
    reading.faults.add(*schema, schema_path, "expected a JSON Schema: a map with properties");
    return;
  }
  Node none;
  none.kind = Node::Kind::kObject;
  none.mark = service.parent ? schema->mark : Mark{};
  if (!parameters) parameters = &none;
  if (!parameters->is_object()) return;  // reported by the reader of the service
  for (const auto& fault : check_schema(to_json(*schema), to_json(*parameters))) {
    const Node& at = locate(fault.in_schema ? *schema : *parameters, fault.segments);
    const bool whole = &at == parameters;
    std::vector<std::string> below = fault.segments;
    const Path root{&service, fault.in_schema ? "parameterSchema" : "parameters"};
    std::string path = root.text();
    if (!below.empty()) path += "." + path_of(below);
    reading.faults.add(at.mark, std::move(path), fault.message, whole ? std::string{} : abridged(at));
  }
}

Substitution::Substitution(Reading& reading, const Node* schema, const Node* parameters)
    : reading_(reading), properties_(properties_of(schema)) {
  if (!parameters) return;
  for (const auto& member : parameters->members) values_.emplace(member.key, &member.value);
}

std::string Substitution::apply(const Node& text, const Path& path, Faults::Echo echo) {
  const std::string& source = text.scalar.as_string();
  if (source.find("${") == std::string::npos) return source;
  std::string out;
  for (size_t i = 0; i < source.size();) {
    const std::string_view rest = std::string_view(source).substr(i);
    if (rest.starts_with("$${")) {
      out += "${";
      i += 3;
    } else if (rest.starts_with("${")) {
      const auto end = rest.find('}');
      if (end == std::string_view::npos || !is_name(rest.substr(2, end - 2))) {
        reading_.faults.add(
            text, path, "${ isn't followed by a parameter's name and }; for a literal ${ write $${", echo);
        return out;
      }
      append_parameter(out, rest.substr(2, end - 2), text, path, echo);
      i += end + 1;
    } else {
      out += source[i++];
    }
    if (written_ + out.size() > kMostSubstituted) {
      reading_.faults.add(text, path, "longer than 1 MiB with its parameters put in", echo);
      return {};
    }
  }
  written_ += out.size();
  return out;
}

void Substitution::append_parameter(std::string& out, std::string_view name, const Node& text,
                                    const Path& path, Faults::Echo echo) {
  const auto it = values_.find(name);
  if (it == values_.end()) {
    if (!reading_.partial) reading_.faults.add(text, path, unknown(name), echo);
    return;
  }
  const Node& value = *it->second;
  if (value.is_string())
    out += value.scalar.as_string();
  else if (value.kind == Node::Kind::kScalar && !value.is_null())
    out += dump_json(value.scalar);
  else
    reading_.faults.add(text, path,
                        "the parameter '" + std::string(name) +
                            "' is a list or map; only a string, number or boolean can be put into text",
                        echo);
}

std::string Substitution::unknown(std::string_view name) const {
  std::string message = "unknown parameter '" + std::string(name) + "'";
  if (declared(name))
    return "the parameter '" + std::string(name) +
           "' has no value; set it under parameters, or a default in parameterSchema";
  if (reading_.faults.may_suggest()) {
    std::vector<std::string_view> known;
    for (const auto& value : values_) known.push_back(value.first);
    if (properties_) {
      for (const auto& property : properties_->members) {
        if (!values_.contains(property.key)) known.push_back(property.key);
      }
    }
    std::sort(known.begin(), known.end());
    message += suggestion(name, known);
  }
  return message + "; for a literal ${ write $${";
}

bool Substitution::declared(std::string_view name) const {
  return properties_ && properties_->find(name);
}

std::string Substitution::apply_text(const Node& node, const Path& path, Faults::Echo echo) {
  if (node.is_string()) return apply(node, path, echo);
  reading_.faults.add(node, path, expected_text(node), echo);
  return {};
}

std::vector<std::string> Substitution::apply_list(const Node& node, const Path& path) {
  std::vector<std::string> out;
  if (!node.is_array()) {
    reading_.faults.add(node, path, "expected a list such as [program, argument]; it is never a shell line");
    return out;
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    const auto index = std::to_string(i);
    out.push_back(apply_text(node.items[i], {&path, index}));
  }
  return out;
}

bool Substitution::flag(const Node& name, const Path& path) {
  if (!name.is_string()) {
    reading_.faults.add(name, path, "expected the name of a boolean parameter");
    return false;
  }
  const auto& text = name.scalar.as_string();
  const auto it = values_.find(text);
  if (it == values_.end()) {
    if (!reading_.partial && !declared(text)) {
      std::vector<std::string_view> known;
      for (const auto& value : values_) known.push_back(value.first);
      std::sort(known.begin(), known.end());
      reading_.faults.add(name, path, "unknown parameter '" + text + "'" + suggestion(text, known));
    }
    return false;
  }
  if (!it->second->scalar.is_bool()) {
    reading_.faults.add(name, path, "the parameter '" + text + "' isn't a boolean");
    return false;
  }
  return it->second->scalar.as_bool();
}

}  // namespace holdfast::config
