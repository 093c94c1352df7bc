// The YAML of kubeconfig files.
#pragma once

#include <string_view>

#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::kubernetes {

// One document. Every scalar is a string as it stands there, so that a token of digits stays what it is; only
// null is null. Size, depth and the expansion of aliases are bounded. kInvalid, with line and column but
// nothing of the text, which holds secrets.
Result<Json> parse_yaml(std::string_view text);

}  // namespace holdfast::kubernetes
