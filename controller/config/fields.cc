#include "controller/config/fields.h"

#include <algorithm>
#include <cmath>

#include "controller/config/nearest.h"

namespace holdfast::config {

namespace {

std::string plain(double value) {
  return dump_json_canonical(Json(value));
}

std::string range(std::int64_t least, std::int64_t most) {
  if (most == std::numeric_limits<std::int64_t>::max()) return "of at least " + std::to_string(least);
  return "from " + std::to_string(least) + " to " + std::to_string(most);
}

std::string with_hint(const Error& error) {
  return error.hint.empty() ? error.message : error.message + "; " + error.hint;
}

}  // namespace

std::string expected_text(const Node& node) {
  if (node.kind != Node::Kind::kScalar || node.is_null()) return "expected a string";
  return "expected a string; put the value in quotes";
}

bool is_dns_label(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && alphanumeric(text.front()) && alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
}

Fields::Fields(Reading& reading, const Node& node, Path path, Faults::Echo echo)
    : reading_(reading), node_(node), path_(path), echo_(echo) {
  if (!node.is_object()) fault(node, path, "expected a map");
}

const Node* Fields::take(std::string_view key) {
  known_.push_back(key);
  return node_.find(key);
}

void Fields::fault(const Node& node, const Path& path, std::string message) const {
  reading_.faults.add(node, path, std::move(message), echo_);
}

void Fields::missing(std::string message) const {
  if (!reading_.partial && node_.is_object())
    reading_.faults.add(node_.mark, path_.text(), std::move(message));
}

void Fields::finish() {
  for (const auto& member : node_.members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    std::string message = "unknown key '" + member.key + "'";
    if (reading_.faults.may_suggest()) message += suggestion(member.key, known_);
    reading_.faults.add(member.key_mark, at(member.key).text(), std::move(message));
  }
}

void Fields::text(std::string_view key, std::string& out) {
  const Node* value = take(key);
  if (!value) return;
  if (value->is_string())
    out = value->scalar.as_string();
  else
    fault(*value, at(key), expected_text(*value));
}

void Fields::non_empty_text(std::string_view key, std::string& out) {
  const Node* value = take(key);
  if (!value) return;
  if (value->is_string() && !value->scalar.as_string().empty())
    out = value->scalar.as_string();
  else
    fault(*value, at(key), value->is_string() ? "expected a string that isn't empty" : expected_text(*value));
}

void Fields::boolean(std::string_view key, bool& out) {
  const Node* value = take(key);
  if (!value) return;
  if (value->scalar.is_bool())
    out = value->scalar.as_bool();
  else
    fault(*value, at(key), "expected true or false");
}

void Fields::number(std::string_view key, double& out, double least, double most) {
  const Node* value = take(key);
  if (!value) return;
  const double read = value->scalar.as_double();
  if (value->scalar.is_number() && read >= least && read <= most)
    out = read;
  else
    fault(*value, at(key), "expected a number from " + plain(least) + " to " + plain(most));
}

bool Fields::read_integer(const Node& value, const Path& path, std::int64_t& out, std::int64_t least,
                          std::int64_t most) const {
  const double real = value.scalar.as_double();
  const bool whole = value.scalar.is_int() ||
                     (value.scalar.is_double() && real == std::floor(real) && std::abs(real) < 9e15);
  const std::int64_t read = value.scalar.as_int();
  if (whole && read >= least && read <= most) {
    out = read;
    return true;
  }
  fault(value, path, "expected a whole number " + range(least, most));
  return false;
}

void Fields::duration(std::string_view key, Duration& out, Duration least) {
  const Node* value = take(key);
  if (!value) return;
  if (value->scalar.is_int() && value->scalar.as_int() == 0 && least == Duration{0}) {
    out = Duration{0};
    return;
  }
  if (!value->is_string()) {
    fault(*value, at(key), "expected a duration with its unit, such as 30s, 250ms or 5m");
    return;
  }
  const auto read = parse_duration(value->scalar.as_string());
  if (!read)
    fault(*value, at(key), with_hint(read.error()));
  else if (*read < least)
    fault(*value, at(key), "expected a duration of at least " + format_duration(least));
  else
    out = *read;
}

void Fields::bytes(std::string_view key, std::int64_t& out, std::int64_t least, std::int64_t most) {
  const Node* value = take(key);
  if (!value) return;
  Result<std::int64_t> read = value->scalar.as_int();
  if (value->is_string())
    read = parse_quantity_bytes(value->scalar.as_string());
  else if (!value->scalar.is_int())
    read = fail(ErrorCode::kInvalid, "expected a size such as 512Mi or 2G");
  if (!read)
    fault(*value, at(key), with_hint(read.error()));
  else if (*read < least || *read > most)
    fault(*value, at(key), "expected a size " + range(least, most) + " bytes");
  else
    out = *read;
}

void Fields::texts(std::string_view key, std::vector<std::string>& out) {
  const Node* value = take(key);
  if (!value) return;
  const Path path = at(key);
  if (!value->is_array()) {
    fault(*value, path, "expected a list of strings");
    return;
  }
  out.clear();
  for (size_t i = 0; i < value->items.size(); ++i) {
    const auto& item = value->items[i];
    const auto index = std::to_string(i);
    if (item.is_string())
      out.push_back(item.scalar.as_string());
    else
      fault(item, {&path, index}, expected_text(item));
  }
}

void Fields::not_one_of(const Node& value, const Path& path,
                        const std::vector<std::string_view>& names) const {
  std::string message = "expected ";
  for (size_t i = 0; i < names.size(); ++i) {
    message += i == 0 ? "" : i + 1 == names.size() ? " or " : ", ";
    message += names[i];
  }
  if (value.is_string()) {
    if (const auto best = nearest(value.scalar.as_string(), names))
      message += "; did you mean '" + std::string(*best) + "'?";
  }
  fault(value, path, std::move(message));
}

}  // namespace holdfast::config
