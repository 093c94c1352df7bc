#include "tests/integration/openapi/check/schema.h"

#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "controller/config/json_adapter.h"

namespace holdfast::test {

std::vector<std::string> schema_faults(const Json& schema, const Json& value) {
  valijson::Schema compiled;
  valijson::SchemaParser parser;
  parser.populateSchema(config::JsonAdapter(schema), compiled);
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  std::vector<std::string> faults;
  if (validator.validate(compiled, config::JsonAdapter(value), &results)) return faults;
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    std::string path;
    for (const auto& part : error.context) path += part;
    faults.push_back(path + ": " + error.description);
  }
  return faults;
}

}  // namespace holdfast::test
