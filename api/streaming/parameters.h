// The 16 settings of the streaming converter: what the facade calls its "config". They live as
// services.<name>.parameters in the configuration; here are their names, types, ranges and defaults, which
// are exactly those of the first system's API.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/model/config_view.h"

namespace holdfast::streaming {

enum class FieldType { kText, kInteger, kNumber, kFlag, kLevel };

struct Field {
  std::string_view name;
  FieldType type;
  std::string_view default_text;    // as it would stand in the environment
  std::string_view variable;        // that overrides the default; empty: none
  double minimum = 0, maximum = 0;  // inclusive; integers only. Numbers must be above 0.
};
const std::vector<Field>& fields();

// Looks a variable up in the environment: nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// All 16 with their defaults, CONTIMG_* overrides applied. A variable with a bad value is left out and named
// in `problems`, if that is given. Fit to be merged below the parameters that a service declares.
Json default_parameters(const Environment& environment, std::vector<std::string>* problems = nullptr);

// All 16 as in force: what the service declares, or the default.
Json effective_parameters(const ConfigView& view, const std::string& service, const Json& defaults);

struct CheckedParameters {
  Json values;                       // those given, numbers in the field's own form
  std::vector<std::string> unknown;  // names that are no field: ignored, as the first system did
};
// Any part of the 16. kInvalid names every bad field in the message and in the details.
Result<CheckedParameters> check_parameters(const Json& given);

// The members of `wanted` whose value differs from the one in `current`.
Json changed_parameters(const Json& wanted, const Json& current);

// The merge patch that sets `values` for the service.
Json parameters_patch(const std::string& service, const Json& values);

// `services.<name>` of the configuration in force declares it.
bool is_declared(const ConfigView& view, const std::string& service);
// The value of `streaming.service`, by default "streaming".
std::string facade_service(const ConfigView& view);

}  // namespace holdfast::streaming
