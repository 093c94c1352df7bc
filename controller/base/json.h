// A JSON value: copyable, comparable, object members in document order. RapidJSON reads and writes it;
// nothing else of RapidJSON is seen outside json.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "controller/base/result.h"

namespace holdfast {

// A value type; const access is thread-safe.
class Json {
 public:
  using Member = std::pair<std::string, Json>;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;  // document order, unique keys

  Json() = default;
  Json(std::nullptr_t) {}                                // NOLINT(google-explicit-constructor)
  Json(bool value) : value_(value) {}                    // NOLINT(google-explicit-constructor)
  Json(int value) : value_(std::int64_t{value}) {}       // NOLINT(google-explicit-constructor)
  Json(unsigned value) : value_(std::int64_t{value}) {}  // NOLINT(google-explicit-constructor)
  Json(std::int64_t value) : value_(value) {}            // NOLINT(google-explicit-constructor)
  Json(std::uint64_t value);             // NOLINT(google-explicit-constructor)  above 2^63-1: a double
  Json(double value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  Json(const char* value) : value_(std::string(value)) {}       // NOLINT(google-explicit-constructor)
  Json(std::string value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Json(std::string_view value) : value_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Json(Array value) : value_(std::move(value)) {}               // NOLINT(google-explicit-constructor)
  Json(Object value) : value_(std::move(value)) {}              // NOLINT(google-explicit-constructor)
  template <typename T>
  Json(const std::optional<T>& value)
      : Json(value ? Json(*value) : Json()) {}  // NOLINT(google-explicit-constructor)

  // Json::object({{"name", x}, {"pid", 3}}) and Json::array({...}).
  static Json object(std::initializer_list<Member> members = {}) { return Json(Object(members)); }
  static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  [[nodiscard]] bool is_double() const { return std::holds_alternative<double>(value_); }
  [[nodiscard]] bool is_number() const { return is_int() || is_double(); }
  [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_array() const { return std::holds_alternative<Array>(value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(value_); }
  [[nodiscard]] std::string_view type_name()
      const;  // "null", "boolean", "integer", "number", "string", "array", "object"

  // Accessors of the wrong type give a zero value, never undefined behaviour; check the type first where it
  // matters.
  [[nodiscard]] bool as_bool() const { return is_bool() && std::get<bool>(value_); }
  [[nodiscard]] std::int64_t as_int() const;  // a double is truncated and clamped
  [[nodiscard]] double as_double() const;
  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] const Array& items() const;
  [[nodiscard]] const Object& members() const;
  Array& items();     // turns a non-array into an empty array
  Object& members();  // turns a non-object into an empty object

  [[nodiscard]] const Json* find(std::string_view key) const;  // null if absent or not an object
  [[nodiscard]] Json* find(std::string_view key);
  [[nodiscard]] const Json& at(std::string_view key) const;  // a shared null if absent
  Json& set(std::string_view key, Json value);  // inserts or replaces; turns a non-object into an object
  bool erase(std::string_view key);
  void push_back(Json value) { items().push_back(std::move(value)); }

  bool operator==(const Json& other) const;  // objects compare without regard to order; 1 == 1.0

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct JsonLimits {
  size_t max_bytes = 8u << 20;
  int max_depth = 64;
};

// Where in a text a value began: 1-based.
struct TextPosition {
  int line = 0, column = 0;
};

// Strict RFC 8259: UTF-8 checked, no NUL, no duplicate key, no trailing bytes, depth and size bounded. Errors
// are kInvalid with line and column in the message.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

// Called for every value, in document order, with its JSON pointer (RFC 6901) and position.
using PositionSink = std::function<void(const std::string& pointer, TextPosition)>;
Result<Json> parse_json_with_positions(std::string_view text, const PositionSink& sink,
                                       const JsonLimits& limits = {});

// Compact; NaN and infinities become null; invalid UTF-8 bytes become U+FFFD. Members in document order.
std::string dump_json(const Json& value);
std::string dump_json_pretty(const Json& value);  // indented by 2, with a trailing newline
// Members sorted by key, numbers in one form: equal values give equal texts. Basis of hashes and ETags.
std::string dump_json_canonical(const Json& value);

// RFC 7396: changes target; null in the patch deletes.
void merge_patch(Json& target, const Json& patch);

bool is_valid_utf8(std::string_view text);

}  // namespace holdfast
