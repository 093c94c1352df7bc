#include "controller/config/schema_validator.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "controller/config/json_adapter.h"

namespace holdfast::config {

namespace {

// std::regex recurses once per character and the schema's patterns may be anything: both ends are bounded.
constexpr size_t kLongestPattern = 256;
constexpr size_t kLongestMatched = 1024;
constexpr size_t kDeepestNesting = 24;  // of subschemas; each level costs stack in the validator

using Segments = std::vector<std::string>;

// What of the schema would endanger the validator.
class Scanner {
 public:
  explicit Scanner(std::vector<SchemaFault>& faults) : faults_(faults) {}
  void scan(const Json& schema) {
    if (path_.size() > kDeepestNesting) {
      fault("nested deeper than " + std::to_string(kDeepestNesting) + " levels");
      return;
    }
    size_t i = 0;
    for (const auto& item : schema.items()) {
      path_.push_back(std::to_string(i++));
      scan(item);
      path_.pop_back();
    }
    for (const auto& [key, value] : schema.members()) {
      path_.push_back(key);
      member(key, value);
      scan(value);
      path_.pop_back();
    }
  }
  [[nodiscard]] bool matches_patterns() const { return matches_patterns_; }

 private:
  void member(const std::string& key, const Json& value) {
    if (key == "$ref" && value.is_string()) fault("$ref isn't supported; write the schema out in its place");
    // The validator would divide by it.
    if (key == "multipleOf" && value.is_number() && value.as_double() <= 0)
      fault("multipleOf must be above zero");
    if (key == "format") matches_patterns_ = true;
    if (key == "pattern" && value.is_string()) pattern(value.as_string());
    if (key == "patternProperties") {
      for (const auto& property : value.members()) pattern(property.first);
    }
  }
  void pattern(const std::string& text) {
    matches_patterns_ = true;
    if (text.size() > kLongestPattern)
      fault("a pattern of more than " + std::to_string(kLongestPattern) + " characters");
    else if (repeats_a_repeat(text))
      fault("a pattern that repeats what already repeats, such as (a+)+, can take for ever");
  }
  static bool repeats_a_repeat(const std::string& text);
  void fault(std::string message) { faults_.push_back({path_, std::move(message), true}); }

  std::vector<SchemaFault>& faults_;
  Segments path_;
  bool matches_patterns_ = false;
};

// A quantifier behind a group that holds an unbounded or counted one.
bool Scanner::repeats_a_repeat(const std::string& text) {
  std::vector<bool> groups{false};  // per open group: a quantifier was seen in it
  bool closed_repeating = false, in_class = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool after_repeating = std::exchange(closed_repeating, false);
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
    } else if (c == '(') {
      groups.push_back(false);
    } else if (c == ')' && groups.size() > 1) {
      closed_repeating = groups.back();
      groups.pop_back();
      if (closed_repeating) groups.back() = true;
    } else if (c == '*' || c == '+' || c == '{') {
      if (after_repeating) return true;
      groups.back() = true;
    }
  }
  return false;
}

void find_long_strings(const Json& value, Segments& path, std::vector<SchemaFault>& faults) {
  const auto check = [&](const std::string& text) {
    if (text.size() > kLongestMatched)
      faults.push_back({path,
                        "longer than " + std::to_string(kLongestMatched) +
                            " bytes, the most where the schema has a pattern or format",
                        false});
  };
  if (value.is_string()) check(value.as_string());
  size_t i = 0;
  for (const auto& item : value.items()) {
    path.push_back(std::to_string(i++));
    find_long_strings(item, path, faults);
    path.pop_back();
  }
  for (const auto& [key, member] : value.members()) {
    path.push_back(key);
    check(key);
    find_long_strings(member, path, faults);
    path.pop_back();
  }
}

// "[max_workers]" -> max_workers; the first is "<root>".
Segments segments_of(const std::vector<std::string>& context) {
  Segments out;
  for (size_t i = 1; i < context.size(); ++i) {
    const auto& part = context[i];
    const bool brackets = part.size() >= 2 && part.front() == '[' && part.back() == ']';
    out.push_back(brackets ? part.substr(1, part.size() - 2) : part);
  }
  return out;
}

// Faults that only say that a part below is at fault.
bool is_echo(const std::string& description) {
  return description.starts_with("Failed to validate against schema associated with") ||
         description.starts_with("Failed to validate item #") ||
         description.starts_with("Failed to validate against additional properties schema") ||
         description.starts_with("Failed to validate against child schema #");
}

// The constraints that a form would show too: "integer, minimum 1, maximum 32".
std::string summary(const Json& schema, const Segments& segments) {
  const Json* part = &schema;
  for (const auto& segment : segments) {
    part = part->at("properties").find(segment);
    if (!part) return {};
  }
  std::string out;
  for (const auto* key : {"type", "enum", "const", "minimum", "exclusiveMinimum", "maximum",
                          "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format"}) {
    const Json* value = part->find(key);
    if (!value) continue;
    out += out.empty() ? "" : ", ";
    const bool is_type = std::string_view(key) == "type" && value->is_string();
    out += is_type ? value->as_string() : std::string(key) + " " + dump_json_canonical(*value);
  }
  return out;
}

// "32.000000" -> "32".
std::string without_trailing_zeros(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() &&
           (std::isdigit(static_cast<unsigned char>(text[end])) != 0 || text[end] == '.'))
      ++end;
    if (end == i) {
      out += text[i++];
      continue;
    }
    auto number = text.substr(i, end - i);
    if (number.find('.') != std::string::npos && !number.ends_with('.')) {
      number.erase(number.find_last_not_of('0') + 1);
      if (number.ends_with('.')) number.pop_back();
    }
    out += number;
    i = end;
  }
  return out;
}

// valijson's sentence as the end of one of ours.
std::string sentence(std::string description) {
  if (description.starts_with("Expected number")) description = without_trailing_zeros(description);
  if (description.ends_with('.')) description.pop_back();
  if (!description.empty() && description[0] >= 'A' && description[0] <= 'Z' && description.size() > 1 &&
      description[1] >= 'a')
    description[0] = static_cast<char>(description[0] - 'A' + 'a');
  return description;
}

void validate(const Json& schema, const Json& value, std::vector<SchemaFault>& faults) {
  valijson::Schema parsed;
  try {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(JsonAdapter(schema), parsed);
  } catch (const std::exception& error) {
    faults.push_back({{}, "not a JSON Schema of draft 7: " + sentence(error.what()), true});
    return;
  }
  valijson::ValidationResults results;
  try {
    valijson::Validator validator;
    validator.validate(parsed, JsonAdapter(value), &results);
  } catch (const std::exception& error) {
    faults.push_back({{}, "the schema can't be applied: " + sentence(error.what()), true});
    return;
  }
  std::vector<SchemaFault> echoes;
  for (const auto& error : results) {
    auto segments = segments_of(error.context);
    std::string message = "doesn't fit parameterSchema: " + sentence(error.description);
    if (const auto expected = summary(schema, segments); !expected.empty())
      message += " (expected: " + expected + ")";
    auto& to = is_echo(error.description) ? echoes : faults;
    to.push_back({std::move(segments), std::move(message), false});
  }
  if (faults.empty()) faults = std::move(echoes);
}

}  // namespace

std::vector<SchemaFault> check_schema(const Json& schema, const Json& value) {
  std::vector<SchemaFault> faults;
  Scanner scanner(faults);
  scanner.scan(schema);
  if (!faults.empty()) return faults;
  if (scanner.matches_patterns()) {
    Segments path;
    find_long_strings(value, path, faults);
    if (!faults.empty()) return faults;
  }
  validate(schema, value, faults);
  return faults;
}

}  // namespace holdfast::config
