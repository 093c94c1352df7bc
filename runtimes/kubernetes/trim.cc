#include "runtimes/kubernetes/trim.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "runtimes/kubernetes/drift.h"

namespace holdfast::kubernetes {

namespace {

using Names = std::initializer_list<std::string_view>;

void keep_only(Json* object, Names names) {
  if (object == nullptr || !object->is_object()) return;
  std::erase_if(object->members(), [&](const Json::Member& member) {
    return std::find(names.begin(), names.end(), member.first) == names.end();
  });
}

// Times at which the same was found again.
void forget_heartbeats(Json& object) {
  Json* status = object.find("status");
  Json* conditions = status == nullptr ? nullptr : status->find("conditions");
  if (conditions == nullptr || !conditions->is_array()) return;
  for (auto& condition : conditions->items()) {
    condition.erase("lastUpdateTime");
    condition.erase("lastProbeTime");
  }
}

}  // namespace

void trim_owned(Json& object) {
  Json* metadata = object.find("metadata");
  if (metadata == nullptr) return;
  auto foreign = foreign_fields(metadata->at("managedFields"));
  if (foreign.is_null())
    metadata->erase("managedFields");
  else
    metadata->set("managedFields", std::move(foreign));
  metadata->erase("selfLink");
  forget_heartbeats(object);
}

void trim_pod(Json& pod) {
  keep_only(pod.find("metadata"), {"name", "namespace", "uid", "resourceVersion", "labels", "annotations",
                                   "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"});
  keep_only(pod.find("spec"), {"nodeName", "readinessGates"});
  keep_only(pod.find("status"),
            {"phase", "reason", "message", "conditions", "initContainerStatuses", "containerStatuses"});
  forget_heartbeats(pod);
}

void trim_autoscaler(Json& autoscaler) {
  keep_only(&autoscaler, {"metadata", "spec"});
  keep_only(autoscaler.find("metadata"), {"name", "namespace", "uid", "resourceVersion"});
  keep_only(autoscaler.find("spec"), {"scaleTargetRef"});
}

void trim_event(Json& event) {
  keep_only(&event, {"metadata", "involvedObject", "reason", "message", "lastTimestamp", "eventTime"});
  keep_only(event.find("metadata"), {"name", "namespace", "uid", "resourceVersion"});
  keep_only(event.find("involvedObject"), {"name", "uid"});
}

bool is_same(const Json& before, const Json& after) {
  if (before.members().size() != after.members().size()) return false;
  return std::all_of(before.members().begin(), before.members().end(), [&](const Json::Member& member) {
    const auto& [key, value] = member;
    const Json* other = after.find(key);
    if (other == nullptr) return false;
    if (key != "metadata") return value == *other;
    return value.members().size() == other->members().size() &&
           std::all_of(value.members().begin(), value.members().end(), [&](const Json::Member& entry) {
             return entry.first == "resourceVersion" || entry.second == other->at(entry.first);
           });
  });
}

}  // namespace holdfast::kubernetes
