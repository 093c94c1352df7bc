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

bool is_leaving(const ObjectPtr& pod) {
  return pod->at("metadata").find("deletionTimestamp") != nullptr;
}

int lowest_free(const std::set<int>& taken, int from = 0) {
  int ordinal = from;
  while (taken.contains(ordinal)) ++ordinal;
  return ordinal;
}

}  // namespace

std::map<int, ObjectPtr> Ordinals::assign(const std::string& service, const std::vector<ObjectPtr>& pods,
                                          int replicas) {
  auto by_age = pods;
  // One that is on its way out may take its time; what has come in its place counts as the instance.
  std::sort(by_age.begin(), by_age.end(), [](const auto& a, const auto& b) {
    return std::pair(is_leaving(a), age(a)) < std::pair(is_leaving(b), age(b));
  });
  const std::lock_guard lock(mutex_);
  auto& known = by_service_[service];
  std::map<std::string, int> kept;
  std::set<int> taken;
  for (const auto& pod : by_age) {
    const auto found = known.find(uid_of(pod));
    if (found == known.end() || (is_leaving(pod) && by_age.size() > static_cast<size_t>(replicas))) continue;
    kept.insert(*found);
    taken.insert(found->second);
  }
  std::map<int, ObjectPtr> result;
  for (const auto& pod : by_age) {
    const auto found = kept.find(uid_of(pod));
    const int from = is_leaving(pod) && found == kept.end() ? replicas : 0;
    int ordinal = found == kept.end() ? lowest_free(taken, from) : found->second;
    if (!is_leaving(pod) && ordinal >= replicas && lowest_free(taken) < replicas) {
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
