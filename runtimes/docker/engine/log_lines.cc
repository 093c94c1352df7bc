#include "runtimes/docker/engine/log_lines.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::docker {

namespace {

constexpr size_t kDockerPiece = 16u << 10;
constexpr size_t kLongestStamp = 40;
constexpr size_t kLineCost = 64;  // of one line beside its text, roughly

// Takes "<RFC 3339 time> " off the front.
std::optional<WallTime> take_stamp(std::string_view& text) {
  const auto space = text.substr(0, kLongestStamp).find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto time = parse_rfc3339(text.substr(0, space));
  if (time) text.remove_prefix(space + 1);
  return time;
}

}  // namespace

LogLines::LogLines(size_t max_lines, size_t max_bytes, std::optional<std::string> only_stream)
    : max_lines_(max_lines), max_bytes_(max_bytes), only_stream_(std::move(only_stream)) {}

void LogLines::append(Pending& line, std::string_view text) {
  line.text.append(text.substr(0, kMaxLine - std::min(kMaxLine, line.text.size())));
}

void LogLines::add_frame(LogDemux::Source source, std::string_view data) {
  const bool err = source == LogDemux::kStderr;
  Pending& line = pending_.at(err ? 1 : 0);
  const auto time = take_stamp(data);
  if (!line.begun) line.at = time.value_or(WallTime{});
  while (!data.empty()) {
    const auto end = data.find('\n');
    line.begun = true;
    append(line, data.substr(0, end));
    if (end == std::string_view::npos) return;
    data.remove_prefix(end + 1);
    const auto at = line.at;
    finish(line, err ? "stderr" : "stdout");
    line.at = time.value_or(at);
  }
}

void LogLines::add_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    // With room for the times of the pieces.
    const size_t room = 2 * kMaxLine - std::min(2 * kMaxLine, raw_.size());
    raw_.append(bytes.substr(0, end).substr(0, room));
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    finish_raw();
  }
}

void LogLines::finish_raw() {
  Pending& line = pending_[0];
  std::string_view rest = raw_;
  line.begun = true;
  line.at = take_stamp(rest).value_or(WallTime{});
  while (rest.size() > kDockerPiece) {
    auto next = rest.substr(kDockerPiece);
    if (!take_stamp(next)) break;
    append(line, rest.substr(0, kDockerPiece));
    rest = next;
  }
  append(line, rest);
  raw_.clear();
  finish(line, "stdout");
}

void LogLines::finish(Pending& line, const char* stream) {
  auto done = std::exchange(line, {});
  ++seen_;
  if (only_stream_ && *only_stream_ != stream) return;
  if (done.text.ends_with('\r')) done.text.pop_back();
  bytes_ += done.text.size() + kLineCost;
  lines_.push_back({.at = done.at, .stream = stream, .text = std::move(done.text)});
  while (!lines_.empty() && (lines_.size() > max_lines_ || (bytes_ > max_bytes_ && lines_.size() > 1))) {
    bytes_ -= lines_.front().text.size() + kLineCost;
    lines_.pop_front();
  }
}

std::vector<LogLine> LogLines::take() {
  if (!raw_.empty()) finish_raw();
  if (pending_[0].begun) finish(pending_[0], "stdout");
  if (pending_[1].begun) finish(pending_[1], "stderr");
  bytes_ = 0;
  auto lines = std::exchange(lines_, {});
  return {std::make_move_iterator(lines.begin()), std::make_move_iterator(lines.end())};
}

}  // namespace holdfast::docker
