#include "runtimes/kubernetes/own_writes.h"

#include <charconv>
#include <utility>

namespace holdfast::kubernetes {

namespace {

constexpr Duration kBelieved = std::chrono::seconds{60};  // by then an informer that is in step knows better

// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions (they are compared
// as numbers)
std::uint64_t version_of(const Json& object) {
  const auto& text = object.at("metadata").at("resourceVersion").as_string();
  std::uint64_t version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

}  // namespace

const std::string& uid_of(const Json& object) {
  return object.at("metadata").at("uid").as_string();
}

void OwnWrites::wrote(const std::string& name, ObjectPtr object, MonoTime now) {
  auto uid = uid_of(*object);
  entries_[name] = {std::move(object), std::move(uid), now};
}

void OwnWrites::removed(const std::string& name, std::string uid, MonoTime now) {
  entries_[name] = {nullptr, std::move(uid), now};
}

void OwnWrites::is_gone(const std::string& name, const ObjectPtr& object) {
  const auto found = entries_.find(name);
  if (found != entries_.end() && found->second.uid == uid_of(*object)) entries_.erase(found);
}

ObjectPtr OwnWrites::newest(const std::string& name, const ObjectPtr& cached, MonoTime now) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return cached;
  const auto& [object, uid, at] = found->second;
  const bool same = cached && uid_of(*cached) == uid;
  const bool known = object ? cached && version_of(*cached) >= version_of(*object) : !same;
  if (!known && now - at < kBelieved) return object;
  entries_.erase(found);
  return cached;
}

}  // namespace holdfast::kubernetes
