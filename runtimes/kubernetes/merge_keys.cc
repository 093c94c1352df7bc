#include "runtimes/kubernetes/merge_keys.h"

#include <algorithm>
#include <map>
#include <utility>

namespace holdfast::kubernetes {

std::vector<std::string> merge_keys(std::string_view field, const Json& list) {
  static const std::map<std::string_view, std::vector<std::string>> kKeys = {
      {"containers", {"name"}},
      {"initContainers", {"name"}},
      {"ephemeralContainers", {"name"}},
      {"env", {"name"}},
      {"volumes", {"name"}},
      {"volumeMounts", {"mountPath"}},
      {"volumeDevices", {"devicePath"}},
      {"imagePullSecrets", {"name"}},
      {"hostAliases", {"ip"}},
      {"topologySpreadConstraints", {"topologyKey", "whenUnsatisfiable"}}};
  if (field == "ports") {
    const bool of_service = !list.items().empty() && list.items()[0].find("containerPort") == nullptr;
    return {of_service ? "port" : "containerPort", "protocol"};
  }
  const auto found = kKeys.find(field);
  return found == kKeys.end() ? std::vector<std::string>{} : found->second;
}

Json identity(const Json& item, const std::vector<std::string>& keys) {
  auto out = Json::object();
  for (const auto& key : keys) {
    const Json* value = item.find(key);
    out.set(key, value == nullptr && key == "protocol" ? Json("TCP") : value == nullptr ? Json() : *value);
  }
  return out;
}

Json* find_item(Json& list, const Json& id, const std::vector<std::string>& keys) {
  return const_cast<Json*>(find_item(std::as_const(list), id, keys));
}

const Json* find_item(const Json& list, const Json& id, const std::vector<std::string>& keys) {
  const auto& items = list.items();
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Json& item) { return identity(item, keys) == id; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace holdfast::kubernetes
