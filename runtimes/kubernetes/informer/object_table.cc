#include "runtimes/kubernetes/informer/object_table.h"

#include <utility>

namespace holdfast::kubernetes {

namespace {

std::string key_for(const std::string& namespace_, const std::string& name) {
  return namespace_ + "/" + name;
}

std::string key_of(const Json& object) {
  const auto& metadata = object.at("metadata");
  return key_for(metadata.at("namespace").as_string(), metadata.at("name").as_string());
}

}  // namespace

std::string resource_version_of(const Json& object) {
  return object.at("metadata").at("resourceVersion").as_string();
}

ObjectTable::Entry ObjectTable::entry_of(Json object) const {
  Entry entry{.uid = object.at("metadata").at("uid").as_string(), .version = resource_version_of(object)};
  if (trim_) trim_(object);
  // A copy is as large as it has to be; what was parsed has room to grow, and lies between what was trimmed.
  entry.object = std::make_shared<const Json>(std::as_const(object));
  return entry;
}

void ObjectTable::replace(Entry& kept, Entry fresh, std::vector<Change>& changes) {
  if (kept.uid != fresh.uid) {
    changes.push_back({kept.object, nullptr});
    changes.push_back({nullptr, fresh.object});
  } else if (kept.version != fresh.version) {
    changes.push_back({kept.object, fresh.object});
  } else {
    return;
  }
  kept = std::move(fresh);
}

void ObjectTable::add_listed(Json object) {
  auto key = key_of(object);
  fresh_[std::move(key)] = entry_of(std::move(object));
}

std::vector<Change> ObjectTable::finish_list() {
  std::vector<Change> changes;
  for (auto kept = kept_.begin(); kept != kept_.end();) {
    if (fresh_.contains(kept->first)) {
      ++kept;
      continue;
    }
    changes.push_back({kept->second.object, nullptr});
    kept = kept_.erase(kept);
  }
  for (auto& [key, entry] : fresh_) {
    const auto [kept, is_new] = kept_.try_emplace(key);
    if (is_new) {
      changes.push_back({nullptr, entry.object});
      kept->second = std::move(entry);
    } else {
      replace(kept->second, std::move(entry), changes);
    }
  }
  fresh_ = {};
  return changes;
}

std::vector<Change> ObjectTable::put(Json object) {
  std::vector<Change> changes;
  auto key = key_of(object);
  auto entry = entry_of(std::move(object));
  const auto [kept, is_new] = kept_.try_emplace(std::move(key));
  if (is_new) {
    changes.push_back({nullptr, entry.object});
    kept->second = std::move(entry);
  } else {
    replace(kept->second, std::move(entry), changes);
  }
  return changes;
}

std::vector<Change> ObjectTable::erase(const Json& object) {
  const auto kept = kept_.find(key_of(object));
  if (kept == kept_.end()) return {};
  const auto& uid = object.at("metadata").at("uid").as_string();
  if (kept->second.uid != uid) return {};  // of the one before it
  std::vector<Change> changes{{kept->second.object, nullptr}};
  kept_.erase(kept);
  return changes;
}

ObjectPtr ObjectTable::get(const std::string& namespace_, const std::string& name) const {
  const auto found = kept_.find(key_for(namespace_, name));
  return found == kept_.end() ? nullptr : found->second.object;
}

std::vector<ObjectPtr> ObjectTable::all() const {
  std::vector<ObjectPtr> out;
  out.reserve(kept_.size());
  for (const auto& [key, entry] : kept_) out.push_back(entry.object);
  return out;
}

}  // namespace holdfast::kubernetes
