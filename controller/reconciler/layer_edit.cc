#include "controller/reconciler/layer_edit.h"

namespace holdfast::reconciler {

void compose_patch(Json& layer, const Json& patch) {
  if (!patch.is_object() || !layer.is_object()) {
    layer = patch;
    return;
  }
  for (const auto& [key, value] : patch.members()) {
    Json* existing = layer.find(key);
    if (existing)
      compose_patch(*existing, value);
    else
      layer.set(key, value);
  }
}

void null_what_is_missing(Json& layer, const Json& below) {
  if (!layer.is_object() || !below.is_object()) return;
  for (const auto& [key, value] : below.members()) {
    Json* existing = layer.find(key);
    if (existing)
      null_what_is_missing(*existing, value);
    else
      layer.set(key, Json());
  }
}

}  // namespace holdfast::reconciler
