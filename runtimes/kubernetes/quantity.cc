#include "runtimes/kubernetes/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

namespace holdfast::kubernetes {

namespace {

constexpr double kPrecision = 1e-12;  // relative: what a double can't tell apart is the same

constexpr std::array<std::pair<std::string_view, double>, 16> kSuffixes{{{"", 1},
                                                                         {"n", 1e-9},
                                                                         {"u", 1e-6},
                                                                         {"m", 1e-3},
                                                                         {"k", 1e3},
                                                                         {"M", 1e6},
                                                                         {"G", 1e9},
                                                                         {"T", 1e12},
                                                                         {"P", 1e15},
                                                                         {"E", 1e18},
                                                                         {"Ki", 1024.0},
                                                                         {"Mi", 1048576.0},
                                                                         {"Gi", 1073741824.0},
                                                                         {"Ti", 1099511627776.0},
                                                                         {"Pi", 1125899906842624.0},
                                                                         {"Ei", 1152921504606846976.0}}};

}  // namespace

std::optional<double> parse_quantity(const Json& value) {
  if (value.is_number()) return value.as_double();
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.as_string();
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  double number = 0;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const auto& [name, factor] : kSuffixes) {
    if (name == suffix) return number * factor;
  }
  return std::nullopt;
}

bool same_quantity(const Json& a, const Json& b) {
  const auto left = parse_quantity(a), right = parse_quantity(b);
  if (!left || !right) return a == b;
  return std::abs(*left - *right) <= kPrecision * std::max(std::abs(*left), std::abs(*right));
}

std::string cpu_text(std::int64_t millis) {
  return millis % 1000 == 0 ? std::to_string(millis / 1000) : std::to_string(millis) + "m";
}

std::string bytes_text(std::int64_t bytes) {
  for (const auto& [unit, size] :
       {std::pair{"Gi", 1LL << 30}, std::pair{"Mi", 1LL << 20}, std::pair{"Ki", 1LL << 10}}) {
    if (bytes != 0 && bytes % size == 0) return std::to_string(bytes / size) + unit;
  }
  return std::to_string(bytes);
}

}  // namespace holdfast::kubernetes
