// Arithmetic of partial documents: a layer is an RFC 7396 patch, so its nulls mean something and must survive
// an edit.
#pragma once

#include "controller/base/json.h"

namespace holdfast::reconciler {

// Composes two patches: applying the result is applying `layer`, then `patch`.
void compose_patch(Json& layer, const Json& patch);

// Adds to `layer` a null for every member of `below` that `layer` doesn't name, at every depth: the result of
// merging it over `below` is then exactly `layer`.
void null_what_is_missing(Json& layer, const Json& below);

}  // namespace holdfast::reconciler
