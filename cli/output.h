// How answers are shown: tables with colours, JSON, YAML.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::cli {

enum class Format { kTable, kJson, kYaml, kNames };
enum class Colour { kNone, kGreen, kYellow, kRed, kBold, kDim };

std::string painted(std::string_view text, Colour colour, bool colours);

struct Cell {
  Cell(std::string value, Colour shade = Colour::kNone)  // NOLINT(google-explicit-constructor)
      : text(std::move(value)), colour(shade) {}
  Cell(const char* value) : text(value) {}  // NOLINT(google-explicit-constructor)
  std::string text;
  Colour colour = Colour::kNone;
};

// Columns as wide as their widest cell, two spaces apart, nothing after the last. What comes from elsewhere
// can't move the cursor: control characters are shown as '?'.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out, bool colours) const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<Cell>> rows_;
};

std::string printable(std::string_view text);

// YAML 1.2 in block style; texts that could be read as something else are quoted as in JSON.
std::string dump_yaml(const Json& value);

// JSON or YAML; a table is asked for elsewhere and gives YAML here.
void print_document(std::ostream& out, const Json& value, Format format);

std::string human_duration(double seconds);        // "12s", "5m3s", "2h10m", "3d4h"
std::string human_bytes(double bytes);             // "512", "1.5Ki", "64Mi"
std::string human_time(std::string_view rfc3339);  // "2026-11-22 18:47:03Z"

}  // namespace holdfast::cli
