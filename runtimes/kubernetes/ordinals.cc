#include "runtimes/kubernetes/ordinals.h"

#include <algorithm>
#include <set>

namespace holdfast::kubernetes {

namespace {

std::string uid_of(const ObjectPtr& pod) {
  return pod->at("metadata").at("uid").as_string();
}

std::pair<std::string, std::string> age(const ObjectPtr& pod) {
  const Json& metadata = pod->at("metadata");  // RFC 3339 in UTC and seconds: it sorts as text
  return {metadata.at("creationTimestamp").as_string(), metadata.at("name").as_string()};
}

int lowest_free(const std::set<int>& taken) {
  int ordinal = 0;
  while (taken.contains(ordinal)) ++ordinal;
  return ordinal;
}

}  // namespace

std::map<int, ObjectPtr> Ordinals::assign(const std::string& service, const std::vector<ObjectPtr>& pods,
                                          int replicas) {
  auto by_age = pods;
  std::sort(by_age.begin(), by_age.end(), [](const auto& a, const auto& b) { return age(a) < age(b); });
  const std::lock_guard lock(mutex_);
  auto& known = by_service_[service];
  std::map<std::string, int> kept;
  std::set<int> taken;
  for (const auto& pod : by_age) {
    const auto found = known.find(uid_of(pod));
    if (found == known.end()) continue;
    kept.insert(*found);
    taken.insert(found->second);
  }
  std::map<int, ObjectPtr> result;
  for (const auto& pod : by_age) {
    const auto found = kept.find(uid_of(pod));
    int ordinal = found == kept.end() ? lowest_free(taken) : found->second;
    if (ordinal >= replicas && lowest_free(taken) < replicas) {
      taken.erase(ordinal);
      ordinal = lowest_free(taken);
    }
    taken.insert(ordinal);
    kept[uid_of(pod)] = ordinal;
    result.emplace(ordinal, pod);
  }
  known = std::move(kept);
  if (known.empty()) by_service_.erase(service);
  return result;
}

}  // namespace holdfast::kubernetes
