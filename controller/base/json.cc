#include "controller/base/json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

// A failed assertion of RapidJSON is a bug of ours: an exception that parse/dump never let out.
#include <stdexcept>
#define RAPIDJSON_ASSERT(condition) \
  if (!(condition)) throw std::logic_error("rapidjson: " #condition)
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace holdfast {

namespace {

const Json kNull;
const std::string kEmptyString;
const Json::Array kEmptyArray;
const Json::Object kEmptyObject;

TextPosition position_at(std::string_view text, size_t offset) {
  TextPosition position{1, 1};
  for (size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++position.line;
      position.column = 1;
    } else {
      ++position.column;
    }
  }
  return position;
}

std::string escape_pointer(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

// Builds a Json from RapidJSON's events. A token begins where the one before it ended, after blanks and
// separators.
class Builder {
 public:
  Builder(std::string_view text, rapidjson::MemoryStream& stream, const PositionSink* sink)
      : text_(text), stream_(stream), sink_(sink) {}

  bool Null() { return add(Json()); }
  bool Bool(bool value) { return add(Json(value)); }
  bool Int(int value) { return add(Json(value)); }
  bool Uint(unsigned value) { return add(Json(value)); }
  bool Int64(std::int64_t value) { return add(Json(value)); }
  bool Uint64(std::uint64_t value) { return add(Json(value)); }
  bool Double(double value) { return add(Json(value)); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }
  bool String(const char* s, rapidjson::SizeType n, bool) { return add(Json(std::string(s, n))); }
  bool StartObject() { return open(Json::object()); }
  bool StartArray() { return open(Json::array()); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool EndArray(rapidjson::SizeType) { return close(); }
  bool Key(const char* s, rapidjson::SizeType n, bool) {
    const size_t start = token_start();
    std::string key(s, n);
    if (!seen_.back().insert(key).second) {
      duplicate_ = key;
      duplicate_at_ = start;
      return false;
    }
    keys_.back() = std::move(key);
    end_token();
    return true;
  }

  Json take() { return std::move(root_); }
  [[nodiscard]] const std::optional<std::string>& duplicate() const { return duplicate_; }
  [[nodiscard]] size_t duplicate_at() const { return duplicate_at_; }

 private:
  [[nodiscard]] size_t token_start() const {
    size_t i = previous_end_;
    while (i < text_.size() && std::string_view(" \t\r\n,:").find(text_[i]) != std::string_view::npos) ++i;
    return i;
  }
  void end_token() { previous_end_ = stream_.Tell(); }

  [[nodiscard]] std::string pointer() const {
    std::string out;
    for (size_t i = 0; i < stack_.size(); ++i) {
      out += '/';
      if (stack_[i]->is_array()) {
        // An outer array already holds its open child; the innermost doesn't hold the value to come.
        const size_t count = stack_[i]->items().size();
        out += std::to_string(i + 1 < stack_.size() ? count - 1 : count);
      } else {
        out += escape_pointer(keys_[i]);
      }
    }
    return out;
  }
  // Line counting goes on from the last place asked for, so that a document costs one pass.
  TextPosition advance_to(size_t offset) {
    const auto step = position_at(text_.substr(counted_), offset - counted_);
    at_ = step.line > 1 ? TextPosition{at_.line + step.line - 1, step.column}
                        : TextPosition{at_.line, at_.column + step.column - 1};
    counted_ = offset;
    return at_;
  }
  Json* place(Json value) {
    if (sink_) (*sink_)(pointer(), advance_to(token_start()));
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.items().push_back(std::move(value));
      return &parent.items().back();
    }
    parent.members().emplace_back(keys_.back(), std::move(value));
    return &parent.members().back().second;
  }
  bool add(Json value) {
    place(std::move(value));
    end_token();
    return true;
  }
  bool open(Json value) {
    stack_.push_back(place(std::move(value)));
    keys_.emplace_back();
    seen_.emplace_back();
    end_token();
    return true;
  }
  bool close() {
    stack_.pop_back();
    keys_.pop_back();
    seen_.pop_back();
    end_token();
    return true;
  }

  std::string_view text_;
  rapidjson::MemoryStream& stream_;
  const PositionSink* sink_;
  Json root_;
  std::vector<Json*> stack_;       // open containers; a parent doesn't grow while its child is open
  std::vector<std::string> keys_;  // per open container: the member being read
  std::vector<std::set<std::string>> seen_;
  size_t previous_end_ = 0, counted_ = 0, duplicate_at_ = 0;
  TextPosition at_{1, 1};
  std::optional<std::string> duplicate_;
};

std::string at_text(TextPosition position) {
  return "line " + std::to_string(position.line) + ", column " + std::to_string(position.column);
}

// Offset of the bracket that goes too deep.
std::optional<size_t> too_deep(std::string_view text, int max_depth) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) return i;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return std::nullopt;
}

Result<Json> parse(std::string_view text, const PositionSink* sink, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return fail(ErrorCode::kInvalid, "JSON of " + std::to_string(text.size()) +
                                         " bytes is larger than the limit of " +
                                         std::to_string(limits.max_bytes) + " bytes");
  }
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return fail(ErrorCode::kInvalid, at_text(position_at(text, nul)) + ": NUL byte in JSON");
  }
  if (const auto deep = too_deep(text, limits.max_depth)) {
    return fail(ErrorCode::kInvalid, at_text(position_at(text, *deep)) + ": JSON nested deeper than " +
                                         std::to_string(limits.max_depth) + " levels");
  }
  rapidjson::MemoryStream stream(text.data(), text.size());
  Builder builder(text, stream, sink);
  rapidjson::Reader reader;
  const auto result = reader.Parse < rapidjson::kParseValidateEncodingFlag |
                      rapidjson::kParseFullPrecisionFlag > (stream, builder);
  if (builder.duplicate()) {
    return fail(ErrorCode::kInvalid, at_text(position_at(text, builder.duplicate_at())) +
                                         ": duplicate key '" + *builder.duplicate() + "'");
  }
  if (result.IsError()) {
    std::string what = rapidjson::GetParseError_En(result.Code());
    if (what.ends_with('.')) what.pop_back();
    return fail(ErrorCode::kInvalid, at_text(position_at(text, result.Offset())) + ": " + what);
  }
  return builder.take();
}

struct Utf8Step {
  size_t length;  // bytes consumed
  bool valid;
};
// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
Utf8Step utf8_step(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
  const unsigned lead = byte(i);
  if (lead < 0x80) return {1, true};
  size_t length = 0;
  unsigned low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF)
    length = 2;
  else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  if (byte(i + 1) < low || byte(i + 1) > high) return {1, false};
  for (size_t k = 2; k < length; ++k) {
    if ((byte(i + k) & 0xC0u) != 0x80) return {k, false};
  }
  return {length, true};
}

template <typename Writer>
void write_string(Writer& writer, const std::string& value) {
  if (is_valid_utf8(value)) {
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return;
  }
  std::string clean;
  for (size_t i = 0; i < value.size();) {
    const auto step = utf8_step(value, i);
    if (step.valid)
      clean.append(value, i, step.length);
    else
      clean += "\xEF\xBF\xBD";
    i += step.length;
  }
  writer.String(clean.data(), static_cast<rapidjson::SizeType>(clean.size()));
}

enum class Order { kDocument, kCanonical };

template <typename Writer>
void write(Writer& writer, const Json& value, Order order) {
  if (value.is_bool()) {
    writer.Bool(value.as_bool());
  } else if (value.is_int()) {
    writer.Int64(value.as_int());
  } else if (value.is_double()) {
    const double number = value.as_double();
    if (!std::isfinite(number))
      writer.Null();
    else if (order == Order::kCanonical && number == std::floor(number) && std::abs(number) < 9e15)
      writer.Int64(static_cast<std::int64_t>(number));
    else
      writer.Double(number);
  } else if (value.is_string()) {
    write_string(writer, value.as_string());
  } else if (value.is_array()) {
    writer.StartArray();
    for (const auto& item : value.items()) write(writer, item, order);
    writer.EndArray();
  } else if (value.is_object()) {
    writer.StartObject();
    std::vector<const Json::Member*> members;
    for (const auto& member : value.members()) members.push_back(&member);
    if (order == Order::kCanonical)
      std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->first < b->first; });
    for (const auto* member : members) {
      write_string(writer, member->first);
      write(writer, member->second, order);
    }
    writer.EndObject();
  } else {
    writer.Null();
  }
}

}  // namespace

Json::Json(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    value_ = static_cast<std::int64_t>(value);
  else
    value_ = static_cast<double>(value);
}

std::string_view Json::type_name() const {
  static constexpr std::array<std::string_view, 7> kNames{"null",   "boolean", "integer", "number",
                                                          "string", "array",   "object"};
  return kNames.at(value_.index());
}

std::int64_t Json::as_int() const {
  if (is_int()) return std::get<std::int64_t>(value_);
  if (!is_double()) return 0;
  const double number = std::get<double>(value_);
  if (std::isnan(number)) return 0;
  if (number >= 9.2233720368547758e18) return std::numeric_limits<std::int64_t>::max();
  if (number <= -9.2233720368547758e18) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(number);
}

double Json::as_double() const {
  if (is_int()) return static_cast<double>(std::get<std::int64_t>(value_));
  return is_double() ? std::get<double>(value_) : 0;
}

const std::string& Json::as_string() const {
  return is_string() ? std::get<std::string>(value_) : kEmptyString;
}
const Json::Array& Json::items() const {
  return is_array() ? std::get<Array>(value_) : kEmptyArray;
}
const Json::Object& Json::members() const {
  return is_object() ? std::get<Object>(value_) : kEmptyObject;
}
Json::Array& Json::items() {
  if (!is_array()) value_ = Array{};
  return std::get<Array>(value_);
}
Json::Object& Json::members() {
  if (!is_object()) value_ = Object{};
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, value] : members()) {
    if (name == key) return &value;
  }
  return nullptr;
}
Json* Json::find(std::string_view key) {
  return const_cast<Json*>(std::as_const(*this).find(key));
}
const Json& Json::at(std::string_view key) const {
  const Json* found = find(key);
  return found ? *found : kNull;
}

Json& Json::set(std::string_view key, Json value) {
  if (Json* found = find(key)) return *found = std::move(value);
  return members().emplace_back(std::string(key), std::move(value)).second;
}

bool Json::erase(std::string_view key) {
  if (!is_object()) return false;
  return std::erase_if(members(), [&](const Member& member) { return member.first == key; }) > 0;
}

bool Json::operator==(const Json& other) const {
  if (is_number() && other.is_number() && value_.index() != other.value_.index())
    return as_double() == other.as_double();
  if (!is_object() || !other.is_object()) return value_ == other.value_;
  if (members().size() != other.members().size()) return false;
  return std::all_of(members().begin(), members().end(), [&](const Member& member) {
    const Json* found = other.find(member.first);
    return found && *found == member.second;
  });
}

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  return parse(text, nullptr, limits);
}
Result<Json> parse_json_with_positions(std::string_view text, const PositionSink& sink,
                                       const JsonLimits& limits) {
  return parse(text, &sink, limits);
}

std::string dump_json(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  write(writer, value, Order::kDocument);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string dump_json_pretty(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  write(writer, value, Order::kDocument);
  return std::string(buffer.GetString(), buffer.GetSize()) + '\n';
}

std::string dump_json_canonical(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  write(writer, value, Order::kCanonical);
  return {buffer.GetString(), buffer.GetSize()};
}

void merge_patch(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object();
  for (const auto& [key, value] : patch.members()) {
    if (value.is_null()) {
      target.erase(key);
    } else {
      Json* existing = target.find(key);
      merge_patch(existing ? *existing : target.set(key, Json()), value);
    }
  }
}

bool is_valid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto step = utf8_step(text, i);
    if (!step.valid) return false;
    i += step.length;
  }
  return true;
}

}  // namespace holdfast
