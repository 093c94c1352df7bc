// One layer's text to a tree of marked values. JSON by base/json.h; YAML by the 1.2 core schema, see yaml.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controller/config/config.h"
#include "controller/config/node.h"

namespace holdfast::config {

// A text that can't be read ends at its first fault.
struct SyntaxFault {
  Mark mark;
  std::string path;  // of the value, as far as it is known
  std::string message;
};

// Immutable once made, and so shared between loads. Marks carry layer 0.
struct ParsedLayer {
  std::string text;
  bool json = false;
  Node root;  // an object; empty for an empty document
  std::optional<SyntaxFault> fault;
};

// Limits: JSON as in JsonLimits, YAML 1 MiB, 250,000 values and 8 MiB of text once aliases are expanded; both
// 64 levels, no NUL in any string.
std::shared_ptr<const ParsedLayer> parse_layer(const LayerText& layer);
bool is_json_file(std::string_view file);

// The only part that knows yaml-cpp. Empty text gives null.
tl::expected<Node, SyntaxFault> parse_yaml(std::string_view text);
tl::expected<Node, SyntaxFault> parse_marked_json(std::string_view text);

}  // namespace holdfast::config
