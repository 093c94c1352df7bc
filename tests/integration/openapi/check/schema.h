// JSON Schema for tests (draft 7, by valijson).
#pragma once

#include <string>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::test {

// What is wrong with the value, one sentence each; empty: nothing. The schema holds no $ref.
std::vector<std::string> schema_faults(const Json& schema, const Json& value);

}  // namespace holdfast::test
