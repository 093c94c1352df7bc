#include "controller/config/node.h"

#include <utility>

namespace holdfast::config {

Json to_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kScalar:
      return node.scalar;
    case Node::Kind::kArray: {
      Json::Array items;
      items.reserve(node.items.size());
      for (const auto& item : node.items) items.push_back(to_json(item));
      return {std::move(items)};
    }
    case Node::Kind::kObject: {
      Json::Object members;
      members.reserve(node.members.size());
      for (const auto& member : node.members) members.emplace_back(member.key, to_json(member.value));
      return {std::move(members)};
    }
  }
  return {};
}

Node from_json(const Json& value, Mark mark) {
  Node node;
  node.mark = mark;
  if (value.is_array()) {
    node.kind = Node::Kind::kArray;
    for (const auto& item : value.items()) node.items.push_back(from_json(item, mark));
  } else if (value.is_object()) {
    node.kind = Node::Kind::kObject;
    for (const auto& [key, member] : value.members())
      node.members.push_back({key, mark, from_json(member, mark)});
  } else {
    node.scalar = value;
  }
  return node;
}

}  // namespace holdfast::config
