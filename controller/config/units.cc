// Durations as Go and Prometheus write them, quantities as Kubernetes does
// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/). All in whole numbers:
// what doesn't fit is an error, never a rounded or wrapped value.
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "controller/config/config.h"

namespace holdfast::config {

namespace {

__extension__ using Wide = unsigned __int128;

// digits[.digits], as mantissa / 10^decimals.
struct Decimal {
  std::uint64_t mantissa = 0;
  unsigned decimals = 0;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes a number off the front of text; at most 18 digits, so that the mantissa fits.
std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal out;
  unsigned digits = 0;
  size_t i = 0;
  bool point = false;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point) {
      point = true;
      continue;
    }
    if (!is_digit(text[i])) break;
    if (++digits > 18) return std::nullopt;
    out.mantissa = out.mantissa * 10 + static_cast<std::uint64_t>(text[i] - '0');
    if (point) ++out.decimals;
  }
  if (digits == 0 || text[i - 1] == '.') return std::nullopt;
  text.remove_prefix(i);
  return out;
}

Wide power_of_ten(unsigned exponent) {
  Wide value = 1;
  for (unsigned i = 0; i < exponent; ++i) value *= 10;
  return value;
}

// mantissa * factor / 10^decimals, rounded up as Kubernetes does; nothing above 2^63-1.
std::optional<std::int64_t> scale(const Decimal& number, Wide factor) {
  const Wide divisor = power_of_ten(number.decimals);
  const Wide value = (number.mantissa * factor + divisor - 1) / divisor;
  if (value > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr std::array<Unit, 6> kTimeUnits{{{"h", 3'600'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"s", 1'000'000'000},
                                          {"ms", 1'000'000},
                                          {"us", 1'000},
                                          {"ns", 1}}};
constexpr std::array<Unit, 12> kSizeUnits{{{"Ki", std::int64_t{1} << 10},
                                           {"Mi", std::int64_t{1} << 20},
                                           {"Gi", std::int64_t{1} << 30},
                                           {"Ti", std::int64_t{1} << 40},
                                           {"Pi", std::int64_t{1} << 50},
                                           {"Ei", std::int64_t{1} << 60},
                                           {"k", 1'000},
                                           {"M", 1'000'000},
                                           {"G", 1'000'000'000},
                                           {"T", 1'000'000'000'000},
                                           {"P", 1'000'000'000'000'000},
                                           {"E", 1'000'000'000'000'000'000}}};

constexpr Duration kLongest = std::chrono::hours{24 * 3650};

tl::unexpected<Error> refuse(std::string_view text, std::string_view why, std::string_view like) {
  constexpr size_t kMost = 40;
  std::string message = "'";
  message += text.substr(0, kMost);
  message += text.size() > kMost ? "...' is " : "' is ";
  message += why;
  std::string hint = "write ";
  hint += like;
  return fail(ErrorCode::kInvalid, std::move(message), std::move(hint));
}

constexpr std::string_view kDurationForm = "it like 250ms, 30s, 5m or 1h30m";
constexpr std::string_view kBytesForm = "it like 512Mi, 1.5G or a number of bytes";
constexpr std::string_view kCpuForm = "it like 0.5, 2 or 500m (thousandths of a core)";

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{0};
  std::string_view rest = text;
  Wide total = 0;
  size_t next_unit = 0;  // units come in order, each once
  while (!rest.empty()) {
    const auto number = take_decimal(rest);
    if (!number) return refuse(text, "not a duration", kDurationForm);
    size_t letters = 0;
    while (letters < rest.size() && !is_digit(rest[letters]) && rest[letters] != '.') ++letters;
    const auto name = rest.substr(0, letters);
    size_t unit = next_unit;
    while (unit < kTimeUnits.size() && kTimeUnits.at(unit).name != name) ++unit;
    if (unit == kTimeUnits.size()) return refuse(text, "not a duration", kDurationForm);
    const Wide exact = static_cast<Wide>(number->mantissa) * static_cast<Wide>(kTimeUnits.at(unit).factor);
    if (exact % power_of_ten(number->decimals) != 0) {
      return refuse(text, "finer than a nanosecond", kDurationForm);
    }
    total += exact / power_of_ten(number->decimals);
    if (total > static_cast<Wide>(kLongest.count())) {
      return refuse(text, "longer than ten years", "at most 87600h");
    }
    rest.remove_prefix(letters);
    next_unit = unit + 1;
  }
  if (text.empty()) return refuse(text, "not a duration", kDurationForm);
  return Duration{static_cast<std::int64_t>(total)};
}

std::string format_duration(Duration duration) {
  std::string out;
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  const bool negative = rest < 0;
  if (negative) out = "-";
  for (const auto& unit : kTimeUnits) {
    const std::int64_t count = rest / unit.factor;
    rest %= unit.factor;
    if (count != 0) out += std::to_string(negative ? -count : count) + std::string(unit.name);
  }
  return out;
}

Result<std::int64_t> parse_quantity_bytes(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_decimal(rest);
  if (!number) return refuse(text, "not a size", kBytesForm);
  Wide factor = 1;
  if (rest.size() > 1 && (rest.front() == 'e' || rest.front() == 'E') && is_digit(rest[1])) {
    rest.remove_prefix(1);
    const auto exponent = take_decimal(rest);
    if (!exponent || exponent->decimals != 0 || exponent->mantissa > 18)
      return refuse(text, "not a size", kBytesForm);
    factor = power_of_ten(static_cast<unsigned>(exponent->mantissa));
  } else if (!rest.empty()) {
    for (const auto& unit : kSizeUnits) {
      if (unit.name == rest) {
        factor = static_cast<Wide>(unit.factor);
        rest = {};
        break;
      }
    }
  }
  if (!rest.empty()) return refuse(text, "not a size", kBytesForm);
  const auto bytes = scale(*number, factor);
  if (!bytes) return refuse(text, "too large", "less than 8Ei");
  return *bytes;
}

Result<std::int64_t> parse_cpu_millis(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_decimal(rest);
  if (!number || (!rest.empty() && rest != "m")) return refuse(text, "not a number of cores", kCpuForm);
  const auto millis = scale(*number, rest.empty() ? 1000 : 1);
  if (!millis) return refuse(text, "too large", "fewer cores");
  return *millis;
}

}  // namespace holdfast::config
