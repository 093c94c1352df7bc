// YAML as JSON, for documents of ours that are known at build time.
#pragma once

#include <string>

#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::docs {

// Plain scalars by the core schema of YAML 1.2; a key that comes twice is an error. kInvalid with the line.
Result<Json> yaml_to_json(const std::string& text);

}  // namespace holdfast::docs
