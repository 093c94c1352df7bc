#include "runtimes/kubernetes/takeover.h"

#include <utility>

#include "runtimes/kubernetes/names.h"

namespace holdfast::kubernetes {

bool is_ours(const Json& object, const std::string& controller) {
  const Json& metadata = object.at("metadata");
  const Json& labels = metadata.at("labels");
  const auto& holder = labels.at(kControllerLabel).as_string();
  const bool managed = labels.at(kManagedByLabel).as_string() == kManager ||
                       metadata.at("annotations").find(kAppliedNote) != nullptr;
  return managed && (holder.empty() || holder == controller);
}

Error not_ours(const Resource& resource, const Json& object) {
  const Json& metadata = object.at("metadata");
  const auto& holder = metadata.at("labels").at(kControllerLabel).as_string();
  Error error{ErrorCode::kConflict, {}, {}, true, {}};
  error.message = "namespace " + metadata.at("namespace").as_string() + " has a " +
                  std::string(resource.kind) + " " + metadata.at("name").as_string() + " already, which ";
  error.message +=
      holder.empty() ? "isn't Holdfast's" : "belongs to the Holdfast controller \"" + holder + "\"";
  error.hint = "set kubernetes.adopt: true to take it over, or give the service another name or namespace";
  return error;
}

Json owned_by_holdfast(const Json& managed_fields, const std::string& api_version) {
  auto kept = Json::array();
  auto fields = Json::object();
  std::string time;
  for (const auto& entry : managed_fields.items()) {
    if (entry.at("fieldsV1").find("f:status") != nullptr || entry.find("subresource") != nullptr) {
      kept.push_back(entry);
      continue;
    }
    merge_patch(fields, entry.at("fieldsV1"));  // sets of fields: a union, as nothing in them is null
    time = std::max(time, entry.at("time").as_string());
  }
  auto ours = Json::object({{"manager", kManager},
                            {"operation", "Apply"},
                            {"apiVersion", api_version},
                            {"fieldsType", "FieldsV1"},
                            {"fieldsV1", std::move(fields)}});
  if (!time.empty()) ours.set("time", time);
  kept.push_back(std::move(ours));
  return kept;
}

Result<Json> take_over(Client& client, const Resource& resource, const Json& object) {
  const Json& metadata = object.at("metadata");
  const auto patch = Json::object(
      {{"metadata", Json::object({{"resourceVersion", metadata.at("resourceVersion")},
                                  {"managedFields", owned_by_holdfast(metadata.at("managedFields"),
                                                                      api_version(resource))}})}});
  return client.patch(resource, metadata.at("namespace").as_string(), metadata.at("name").as_string(), patch);
}

}  // namespace holdfast::kubernetes
