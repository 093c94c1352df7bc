// JSON Schema draft 7 (https://json-schema.org/draft-07) over plain values; the only part that knows
// valijson.
#pragma once

#include <string>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::config {

struct SchemaFault {
  std::vector<std::string> segments;  // below the value checked, or below the schema
  std::string message;
  bool in_schema = false;  // the schema itself is at fault
};

// All faults; none when value fits. Beyond the standard, the schema may hold no $ref (one could refer to
// itself for ever), and regular expressions and what they are applied to are bounded in length: the matcher
// recurses. Thread-safe.
std::vector<SchemaFault> check_schema(const Json& schema, const Json& value);

}  // namespace holdfast::config
