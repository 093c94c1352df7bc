#include "controller/telemetry/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include <fnmatch.h>

namespace holdfast::telemetry {

namespace {

constexpr size_t kMaxLine = 64 << 10;
constexpr size_t kMaxSamples = 1000;
constexpr std::string_view kBlank = " \t";

bool is_name_char(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  return letter || (!first && c >= '0' && c <= '9');
}

size_t name_length(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && is_name_char(text[n], n == 0)) ++n;
  return n;
}

// Length of "{...}" at the front of text, quotes and escapes heeded; nullopt if it doesn't end.
std::optional<size_t> labels_length(std::string_view text) {
  bool quoted = false;
  for (size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (text[i] == '}' && !quoted)
      return i + 1;
  }
  return std::nullopt;
}

void skip_blank(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
}

std::optional<double> parse_value(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool complete = end == text.data() + text.size() && !text.empty();
  if (!complete || (error != std::errc{} && error != std::errc::result_out_of_range)) return std::nullopt;
  return value;
}

}  // namespace

void ExpositionParser::feed(std::string_view piece) {
  while (fault_.empty() && !piece.empty()) {
    const auto end = piece.find('\n');
    const auto part = piece.substr(0, end);
    if (partial_.size() + part.size() > kMaxLine) {
      ++line_;
      return fault("a line longer than 64 KiB");
    }
    if (end == std::string_view::npos) {
      partial_ += part;
      return;
    }
    if (partial_.empty())
      take_line(part);
    else
      take_line(std::exchange(partial_, {}).append(part));
    piece.remove_prefix(end + 1);
  }
}

void ExpositionParser::take_line(std::string_view line) {
  ++line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  skip_blank(line);
  if (line.empty() || line.front() == '#') return;
  const auto whole = line;
  const auto name = line.substr(0, name_length(line));
  if (name.empty()) return fault("a metric name was expected");
  line.remove_prefix(name.size());
  skip_blank(line);
  std::string key(name);
  if (line.starts_with('{')) {
    const auto length = labels_length(line);
    if (!length) return fault("labels without an end");
    if (*length > 2) key += line.substr(0, *length);
    line.remove_prefix(*length);
    skip_blank(line);
  }
  const auto value = parse_value(line.substr(0, line.find_first_of(kBlank)));
  if (!value) return fault("a value was expected in \"" + std::string(whole.substr(0, 60)) + "\"");
  if (std::isnan(*value) || !wanted(name)) return;
  if (samples_.size() >= kMaxSamples && !samples_.contains(key))
    return fault("more than 1000 samples; name fewer in `include`");
  samples_[key] = *value;
}

bool ExpositionParser::wanted(std::string_view name) const {
  if (include_.empty()) return true;
  return std::any_of(include_.begin(), include_.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), std::string(name).c_str(), 0) == 0;
  });
}

void ExpositionParser::fault(std::string what) {
  fault_ = "line " + std::to_string(line_) + ": " + std::move(what);
}

Result<std::map<std::string, double>> ExpositionParser::finish() {
  if (fault_.empty() && !partial_.empty()) take_line(std::exchange(partial_, {}));
  if (!fault_.empty()) return fail(ErrorCode::kInvalid, fault_);
  return std::move(samples_);
}

}  // namespace holdfast::telemetry
