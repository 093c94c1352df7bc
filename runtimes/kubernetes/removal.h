// Takes out of an object what was declared and no longer is. Server-side apply does that too, but up to
// Kubernetes 1.20 it leaves the empty shell of a structure behind, which may be invalid: a probe that checks
// nothing.
#pragma once

#include <string>

#include "controller/base/json.h"

namespace holdfast::kubernetes {

// Whether anything was taken out.
bool take_out(Json& object, const Json& declared_before, const Json& declared, const std::string& field = {});

}  // namespace holdfast::kubernetes
