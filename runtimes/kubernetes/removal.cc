#include "runtimes/kubernetes/removal.h"

#include <algorithm>

#include "runtimes/kubernetes/merge_keys.h"

namespace holdfast::kubernetes {

namespace {

bool take_out_items(Json& list, const Json& before, const Json& declared, const std::string& field) {
  const auto keys = merge_keys(field, before);
  if (keys.empty()) return false;  // one value, which the apply replaces
  bool changed = false;
  for (const auto& item : before.items()) {
    const auto id = identity(item, keys);
    Json* there = find_item(list, id, keys);
    if (there == nullptr) continue;
    if (const Json* kept = find_item(declared, id, keys)) {
      changed |= take_out(*there, item, *kept);
      continue;
    }
    std::erase_if(list.items(), [&](const Json& entry) { return identity(entry, keys) == id; });
    changed = true;
  }
  return changed;
}

}  // namespace

bool take_out(Json& object, const Json& declared_before, const Json& declared, const std::string& field) {
  if (object.is_array() && declared_before.is_array() && declared.is_array())
    return take_out_items(object, declared_before, declared, field);
  if (!object.is_object() || !declared_before.is_object() || !declared.is_object()) return false;
  bool changed = false;
  for (const auto& [key, value] : declared_before.members()) {
    if (const Json* kept = declared.find(key)) {
      if (Json* there = object.find(key)) changed |= take_out(*there, value, *kept, key);
    } else {
      changed |= object.erase(key);
    }
  }
  return changed;
}

}  // namespace holdfast::kubernetes
