// The pieces that the codecs share: members of a JSON object that are left out when they have their default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/model/observation.h"

namespace holdfast::state {

inline std::int64_t to_ns(WallTime time) {
  return time.time_since_epoch().count();
}
inline std::int64_t to_ns(MonoTime time) {
  return time.time_since_epoch().count();
}
inline WallTime wall_from_ns(std::int64_t ns) {
  return WallTime{Duration{ns}};
}
inline MonoTime mono_from_ns(std::int64_t ns) {
  return MonoTime{Duration{ns}};
}

// Writes members, leaving out what equals its default.
class Writer {
 public:
  void put(std::string_view key, Json value) { json_.set(key, std::move(value)); }
  void text(std::string_view key, const std::string& value) {
    if (!value.empty()) put(key, value);
  }
  void number(std::string_view key, std::int64_t value) {
    if (value != 0) put(key, value);
  }
  void number(std::string_view key, std::uint64_t value) { number(key, static_cast<std::int64_t>(value)); }
  void flag(std::string_view key, bool value) {
    if (value) put(key, true);
  }
  [[nodiscard]] Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

// Reads members; a member of the wrong type spoils the whole.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json), good_(json.is_object()) {}
  [[nodiscard]] bool good() const { return good_; }
  void spoil() { good_ = false; }

  [[nodiscard]] std::string text(std::string_view key) {
    const auto* value = json_.find(key);
    if (value) good_ = good_ && value->is_string();
    return value ? value->as_string() : std::string();
  }
  [[nodiscard]] std::optional<std::int64_t> maybe_number(std::string_view key) {
    const auto* value = json_.find(key);
    if (!value) return std::nullopt;
    good_ = good_ && value->is_int();
    return value->as_int();
  }
  [[nodiscard]] std::int64_t number(std::string_view key) { return maybe_number(key).value_or(0); }
  [[nodiscard]] std::uint64_t count(std::string_view key) { return static_cast<std::uint64_t>(number(key)); }
  [[nodiscard]] std::optional<int> maybe_int(std::string_view key) {
    const auto value = maybe_number(key);
    if (!value) return std::nullopt;
    good_ = good_ && std::in_range<int>(*value);
    return static_cast<int>(*value);
  }
  [[nodiscard]] bool flag(std::string_view key) {
    const auto* value = json_.find(key);
    if (value) good_ = good_ && value->is_bool();
    return value && value->as_bool();
  }
  [[nodiscard]] const Json* find(std::string_view key) const { return json_.find(key); }

 private:
  const Json& json_;
  bool good_;
};

// A value whose members `read` takes from the text's JSON object; nothing if it is none, or spoilt.
template <typename Value, typename Read>
std::optional<Value> decode_object(std::string_view text, Read read) {
  const auto json = parse_json(text);
  if (!json) return std::nullopt;
  Reader in(*json);
  Value value;
  read(in, value);
  if (!in.good()) return std::nullopt;
  return value;
}

Json encode_exit(const ExitRecord& exit);
// The exit record below `key`, if there is one; spoils the reader if it is none.
std::optional<ExitRecord> decode_exit(Reader& outer, std::string_view key);

}  // namespace holdfast::state
