#include "tests/integration/openapi/check/schema.h"

#include <stdexcept>

// The same definition as in base/json.cc, so that RapidJSON's templates are the same everywhere. valijson's
// own would come with VALIJSON_USE_EXCEPTIONS, so the adapter is read without it.
#define RAPIDJSON_ASSERT(condition) \
  if (!(condition)) throw std::logic_error("rapidjson: " #condition)
// clang-format off: the order matters
#include <valijson/exceptions.hpp>
#undef VALIJSON_USE_EXCEPTIONS
#include <rapidjson/document.h>
#include <valijson/adapters/rapidjson_adapter.hpp>
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
// clang-format on

namespace holdfast::test {
namespace {

rapidjson::Document parsed(const Json& value) {
  rapidjson::Document document;
  document.Parse(dump_json(value).c_str());
  return document;
}

}  // namespace

std::vector<std::string> schema_faults(const Json& schema, const Json& value) {
  const auto schema_document = parsed(schema), document = parsed(value);
  valijson::Schema compiled;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::RapidJsonAdapter(schema_document), compiled);
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  std::vector<std::string> faults;
  if (validator.validate(compiled, valijson::adapters::RapidJsonAdapter(document), &results)) return faults;
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    std::string path;
    for (const auto& part : error.context) path += part;
    faults.push_back(path + ": " + error.description);
  }
  return faults;
}

}  // namespace holdfast::test
