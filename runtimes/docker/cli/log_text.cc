#include "runtimes/docker/cli/log_text.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace holdfast::docker {

namespace {

constexpr size_t kPiece = size_t{16} << 10;
constexpr size_t kStampMin = 20, kStampMax = 35;  // without a fraction; with nanoseconds and an offset

// The length of the time at the beginning and the space behind it; 0: there is none.
size_t stamp_size(std::string_view text, std::optional<WallTime>* time = nullptr) {
  const auto space = text.substr(0, kStampMax + 1).find(' ');
  if (space == std::string_view::npos || space < kStampMin) return 0;
  const auto parsed = parse_rfc3339(text.substr(0, space));
  if (time != nullptr) *time = parsed;
  return parsed ? space + 1 : 0;
}

std::string joined(std::string_view text) {
  std::string out;
  while (text.size() > kPiece) {
    out += text.substr(0, kPiece);
    text.remove_prefix(kPiece);
    text.remove_prefix(stamp_size(text));
  }
  return out += text;
}

}  // namespace

std::vector<LogLine> parse_log_text(std::string_view text, const std::string& stream, bool tty) {
  std::vector<LogLine> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (tty && line.ends_with('\r')) line.remove_suffix(1);  // the terminal's
    std::optional<WallTime> at;
    const auto stamp = stamp_size(line, &at);
    if (stamp == 0) continue;
    lines.push_back({.at = *at, .stream = stream, .ordinal = 0, .text = joined(line.substr(stamp))});
  }
  return lines;
}

std::vector<LogLine> merge_logs(std::vector<LogLine> out, std::vector<LogLine> err) {
  std::vector<LogLine> all;
  all.reserve(out.size() + err.size());
  std::merge(std::make_move_iterator(out.begin()), std::make_move_iterator(out.end()),
             std::make_move_iterator(err.begin()), std::make_move_iterator(err.end()),
             std::back_inserter(all), [](const LogLine& a, const LogLine& b) { return a.at < b.at; });
  return all;
}

std::string seconds_text(std::int64_t ns_since_epoch) {
  constexpr std::int64_t kNano = 1'000'000'000;
  std::string fraction = std::to_string(ns_since_epoch % kNano);
  fraction.insert(0, 9 - fraction.size(), '0');
  return std::to_string(ns_since_epoch / kNano) + "." + fraction;
}

}  // namespace holdfast::docker
