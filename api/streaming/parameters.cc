#include "api/streaming/parameters.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace holdfast::streaming {
namespace {

constexpr std::array<std::string_view, 4> kLevels{"DEBUG", "INFO", "WARNING", "ERROR"};

const Field* find_field(std::string_view name) {
  for (const auto& field : fields()) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string expectation(const Field& field) {
  switch (field.type) {
    case FieldType::kText:
      return "must be a text that is not empty";
    case FieldType::kInteger:
      return "must be an integer from " + std::to_string(static_cast<int>(field.minimum)) + " to " +
             std::to_string(static_cast<int>(field.maximum));
    case FieldType::kNumber:
      return "must be a number above 0";
    case FieldType::kFlag:
      return "must be true or false";
    case FieldType::kLevel:
      return "must be one of DEBUG, INFO, WARNING, ERROR";
  }
  return "is not understood";
}

std::optional<Json> integer_of(const Json& value) {
  if (value.is_int()) return value;
  if (!value.is_double()) return std::nullopt;
  const double number = value.as_double();
  if (std::floor(number) != number || std::fabs(number) > 1e9) return std::nullopt;
  return Json(value.as_int());
}

// The value in the field's own form, or nullopt if it has another type.
std::optional<Json> typed(const Field& field, const Json& value) {
  switch (field.type) {
    case FieldType::kText:
    case FieldType::kLevel:
      return value.is_string() ? std::optional(value) : std::nullopt;
    case FieldType::kInteger:
      return integer_of(value);
    case FieldType::kNumber:
      return value.is_number() ? std::optional(Json(value.as_double())) : std::nullopt;
    case FieldType::kFlag:
      return value.is_bool() ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

bool in_range(const Field& field, const Json& value) {
  switch (field.type) {
    case FieldType::kText:
      return !value.as_string().empty() && value.as_string().find('\0') == std::string::npos;
    case FieldType::kLevel:
      return std::find(kLevels.begin(), kLevels.end(), value.as_string()) != kLevels.end();
    case FieldType::kInteger:
      return value.as_double() >= field.minimum && value.as_double() <= field.maximum;
    case FieldType::kNumber:
      return std::isfinite(value.as_double()) && value.as_double() > 0;
    case FieldType::kFlag:
      return true;
  }
  return false;
}

std::optional<Json> checked(const Field& field, const Json& value) {
  auto result = typed(field, value);
  if (result && !in_range(field, *result)) result.reset();
  return result;
}

// A value as an environment variable holds it.
std::optional<Json> from_text(const Field& field, std::string_view text) {
  switch (field.type) {
    case FieldType::kText:
    case FieldType::kLevel:
      return checked(field, Json(text));
    case FieldType::kFlag:
      return text == "true" || text == "false" ? std::optional(Json(text == "true")) : std::nullopt;
    case FieldType::kInteger:
    case FieldType::kNumber:
      break;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return checked(field, Json(number));
}

std::string abridged(const Json& value) {
  auto text = dump_json(value);
  constexpr size_t kMax = 60;
  if (text.size() > kMax) {
    size_t cut = kMax;  // not inside a UTF-8 sequence
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0u) == 0x80u) --cut;
    text = text.substr(0, cut) + "...";
  }
  return text;
}

}  // namespace

const std::vector<Field>& fields() {
  using enum FieldType;
  static const std::vector<Field> kFields{
      {"input_dir", kText, "/data/incoming", "CONTIMG_INPUT_DIR"},
      {"output_dir", kText, "/stage/dsa110-contimg/ms", "CONTIMG_OUTPUT_DIR"},
      {"queue_db", kText, "state/db/ingest.sqlite3", "CONTIMG_QUEUE_DB"},
      {"registry_db", kText, "state/db/cal_registry.sqlite3", "CONTIMG_REGISTRY_DB"},
      {"scratch_dir", kText, "/stage/dsa110-contimg", "CONTIMG_SCRATCH_DIR"},
      {"expected_subbands", kInteger, "16", "CONTIMG_EXPECTED_SUBBANDS", 1, 64},
      {"chunk_duration", kNumber, "5.0", "CONTIMG_CHUNK_MINUTES"},
      {"log_level", kLevel, "INFO", "CONTIMG_LOG_LEVEL"},
      {"use_subprocess", kFlag, "true", ""},
      {"monitoring", kFlag, "true", ""},
      {"monitor_interval", kNumber, "60.0", "CONTIMG_MONITOR_INTERVAL"},
      {"poll_interval", kNumber, "5.0", ""},
      {"worker_poll_interval", kNumber, "5.0", ""},
      {"max_workers", kInteger, "4", "", 1, 32},
      {"stage_to_tmpfs", kFlag, "false", ""},
      {"tmpfs_path", kText, "/dev/shm", ""},
  };
  return kFields;
}

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

Json default_parameters(const Environment& environment, std::vector<std::string>* problems) {
  Json result = Json::object();
  for (const auto& field : fields()) {
    auto value = from_text(field, field.default_text);
    if (!field.variable.empty()) {
      const std::string variable(field.variable);
      if (const auto text = environment(variable); text && !text->empty()) {
        if (auto override_value = from_text(field, *text)) {
          value = std::move(override_value);
        } else if (problems) {
          problems->push_back(variable + "=" + abridged(Json(*text)) + ": " + expectation(field) +
                              "; the default " + std::string(field.default_text) + " is used");
        }
      }
    }
    result.set(field.name, *value);
  }
  return result;
}

Json effective_parameters(const ConfigView& view, const std::string& service, const Json& defaults) {
  const auto& declared = view.merged.at("services").at(service).at("parameters");
  Json result = Json::object();
  for (const auto& field : fields()) {
    result.members().emplace_back(field.name,
                                  typed(field, declared.at(field.name)).value_or(defaults.at(field.name)));
  }
  return result;
}

Result<CheckedParameters> check_parameters(const Json& given) {
  CheckedParameters result{Json::object(), {}};
  Error error{
      ErrorCode::kInvalid, "", "GET /api/streaming/config shows every field with a valid value", true, {}};
  for (const auto& [name, value] : given.members()) {
    const auto* field = find_field(name);
    if (!field) {
      result.unknown.push_back(name);
      continue;
    }
    if (auto good = checked(*field, value)) {
      result.values.set(name, std::move(*good));
      continue;
    }
    const auto message = expectation(*field) + " (got " + abridged(value) + ")";
    error.details.push_back({name, message, ""});
    if (!error.message.empty()) error.message += "; ";
    error.message.append(name).append(" ").append(message);
  }
  if (!error.details.empty()) return fail(std::move(error));
  return result;
}

Json changed_parameters(const Json& wanted, const Json& current) {
  Json result = Json::object();
  for (const auto& [name, value] : wanted.members()) {
    if (!(current.at(name) == value)) result.set(name, value);
  }
  return result;
}

Json parameters_patch(const std::string& service, const Json& values) {
  return Json::object({{"services", Json::object({{service, Json::object({{"parameters", values}})}})}});
}

bool is_declared(const ConfigView& view, const std::string& service) {
  return view.merged.at("services").at(service).is_object();
}

std::string facade_service(const ConfigView& view) {
  const auto& name = view.merged.at("streaming").at("service");
  return name.is_string() && !name.as_string().empty() ? name.as_string() : "streaming";
}

}  // namespace holdfast::streaming
