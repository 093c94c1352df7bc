#include "api/docs/embed/yaml_to_json.h"

#include <cstdint>
#include <stdexcept>
#include <utility>

#include <yaml-cpp/yaml.h>

namespace holdfast::docs {
namespace {

Json scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (text.empty() || text == "null" || text == "~") return {};
  if (text == "true" || text == "false") return text == "true";
  // What JSON takes for a number is one here too.
  const bool number = text.find_first_not_of("0123456789+-.eE") == std::string::npos;
  if (const auto parsed = parse_json(text); number && parsed && parsed->is_number()) return *parsed;
  return text;
}

Json convert(const YAML::Node& node) {
  if (node.IsScalar()) return scalar(node);
  if (node.IsSequence()) {
    Json::Array items;
    for (const auto& item : node) items.push_back(convert(item));
    return items;
  }
  if (!node.IsMap()) return {};
  Json object = Json::object();
  for (const auto& member : node) {
    const std::string key = member.first.Scalar();
    if (object.find(key) != nullptr)
      throw std::runtime_error("line " + std::to_string(member.first.Mark().line + 1) + ": key '" + key +
                               "' again");
    object.set(key, convert(member.second));
  }
  return object;
}

}  // namespace

Result<Json> yaml_to_json(const std::string& text) {
  try {
    return convert(YAML::Load(text));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalid, error.what());
  }
}

}  // namespace holdfast::docs
