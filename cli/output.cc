#include "cli/output.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ostream>

namespace holdfast::cli {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view escape_of(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return "";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kDim:
      return "\x1b[2m";
  }
  return "";
}

// Columns on a terminal, near enough: one per code point.
size_t width(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

void print_row(std::ostream& out, const std::vector<Cell>& row, const std::vector<size_t>& widths,
               bool colours) {
  for (size_t i = 0; i < row.size(); ++i) {
    const auto text = printable(row[i].text);
    out << painted(text, row[i].colour, colours);
    if (i + 1 < row.size()) out << std::string(widths[i] - std::min(widths[i], width(text)) + 2, ' ');
  }
  out << '\n';
}

// A plain scalar that every YAML reader takes for this very text.
bool is_plain(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kReserved{"true", "false", "yes", "no", "on",
                                                              "off",  "null",  "y",   "n",  "~"};
  if (text.empty() || (!std::isalpha(static_cast<unsigned char>(text.front())) && text.front() != '/'))
    return false;
  const bool simple = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.' || c == '/';
  });
  if (!simple) return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kReserved.begin(), kReserved.end(), lower) == kReserved.end();
}

std::string scalar(const Json& value) {
  if (value.is_string()) return is_plain(value.as_string()) ? value.as_string() : dump_json(value);
  return dump_json(value);
}

bool is_block(const Json& value) {
  return (value.is_object() && !value.members().empty()) || (value.is_array() && !value.items().empty());
}

// `column` is where the value's own lines begin; the first one's indentation has been written if
// `inline_first`.
void write_yaml(std::string& text, const Json& value, size_t column, bool inline_first) {
  const auto begin_line = [&] {
    if (!inline_first) text.append(column, ' ');
    inline_first = false;
  };
  if (value.is_object()) {
    for (const auto& [key, member] : value.members()) {
      begin_line();
      text += scalar(Json(key)) + ":";
      if (is_block(member)) {
        text += '\n';
        write_yaml(text, member, column + 2, false);
      } else {
        text += " " + scalar(member) + "\n";
      }
    }
    return;
  }
  for (const auto& item : value.items()) {
    begin_line();
    text += "- ";
    if (is_block(item)) {
      write_yaml(text, item, column + 2, true);
    } else {
      text += scalar(item) + "\n";
    }
  }
}

std::string two_units(long larger, const char* unit, long smaller, const char* small_unit) {
  auto text = std::to_string(larger) + unit;
  if (smaller > 0) text += std::to_string(smaller) + small_unit;
  return text;
}

}  // namespace

std::string painted(std::string_view text, Colour colour, bool colours) {
  if (!colours || colour == Colour::kNone) return std::string(text);
  return std::string(escape_of(colour)).append(text).append(kReset);
}

std::string printable(std::string_view text) {
  std::string result(text);
  for (size_t i = 0; i < result.size(); ++i) {
    const auto byte = static_cast<unsigned char>(result[i]);
    // U+0080 to U+009F, in UTF-8 C2 80 to C2 9F, are control characters too.
    const bool c1 = byte == 0xC2 && i + 1 < result.size() && static_cast<unsigned char>(result[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || c1) result.replace(i, c1 ? 2 : 1, "?");
  }
  return result;
}

void Table::print(std::ostream& out, bool colours) const {
  std::vector<Cell> head;
  std::vector<size_t> widths;
  for (const auto& title : titles_) {
    head.emplace_back(title, Colour::kBold);
    widths.push_back(width(title));
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], width(printable(row[i].text)));
    }
  }
  print_row(out, head, widths, colours);
  for (const auto& row : rows_) print_row(out, row, widths, colours);
}

std::string dump_yaml(const Json& value) {
  if (!is_block(value)) return scalar(value) + "\n";
  std::string text;
  write_yaml(text, value, 0, false);
  return text;
}

void print_document(std::ostream& out, const Json& value, Format format) {
  out << (format == Format::kJson ? dump_json_pretty(value) : dump_yaml(value));
}

std::string human_duration(double seconds) {
  constexpr long kMinute = 60, kHour = 3600, kDay = 86400;
  const long whole = std::lround(std::clamp(seconds, 0.0, 1e12));
  if (whole < kMinute) return std::to_string(whole) + "s";
  if (whole < kHour) return two_units(whole / kMinute, "m", whole % kMinute, "s");
  if (whole < kDay) return two_units(whole / kHour, "h", whole % kHour / kMinute, "m");
  return two_units(whole / kDay, "d", whole % kDay / kHour, "h");
}

std::string human_bytes(double bytes) {
  constexpr double kStep = 1024;
  constexpr std::array<const char*, 6> kUnits{"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  size_t unit = 0;
  while (bytes >= kStep && unit + 1 < kUnits.size()) {
    bytes /= kStep;
    ++unit;
  }
  std::array<char, 32> text{};
  const bool whole = unit == 0 || bytes >= 10 || std::floor(bytes) == bytes;
  const int size =
      std::snprintf(text.data(), text.size(), whole ? "%.0f%s" : "%.1f%s", bytes, kUnits.at(unit));
  return {text.data(), static_cast<size_t>(size)};
}

std::string human_time(std::string_view rfc3339) {
  constexpr size_t kSeconds = 19;  // "2026-11-22T18:47:03"
  if (rfc3339.size() < kSeconds) return std::string(rfc3339);
  std::string text(rfc3339.substr(0, kSeconds));
  text[10] = ' ';
  return text + "Z";
}

}  // namespace holdfast::cli
