// A parsed value that remembers where each part of it was written. Every later step (merge, defaults, decode)
// works on these, so that an error can always name file, line and column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::config {

// Where a value or key begins. Layer is an index into the layers being loaded, -1 for built-in defaults; line
// and column are 1-based, 0: not known.
struct Mark {
  std::int32_t layer = -1, line = 0, column = 0;
};

struct NodeMember;

// A value type; const access is thread-safe.
struct Node {
  enum class Kind : std::uint8_t { kScalar, kArray, kObject };
  Kind kind = Kind::kScalar;
  Mark mark;
  Json scalar;  // null, boolean, number or string
  std::vector<Node> items;
  std::vector<NodeMember> members;  // document order, unique keys

  [[nodiscard]] bool is_null() const { return kind == Kind::kScalar && scalar.is_null(); }
  [[nodiscard]] bool is_string() const { return kind == Kind::kScalar && scalar.is_string(); }
  [[nodiscard]] bool is_array() const { return kind == Kind::kArray; }
  [[nodiscard]] bool is_object() const { return kind == Kind::kObject; }
  [[nodiscard]] const Node* find(std::string_view key) const;  // null if absent or not an object
  [[nodiscard]] Node* find(std::string_view key);
};

struct NodeMember {
  std::string key;
  Mark key_mark;
  Node value;
};

inline const Node* Node::find(std::string_view key) const {
  for (const auto& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}
inline Node* Node::find(std::string_view key) {
  for (auto& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

Json to_json(const Node& node);
// The same mark for every part.
Node from_json(const Json& value, Mark mark);

}  // namespace holdfast::config
