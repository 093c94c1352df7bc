#include "cli/sse.h"

namespace holdfast::cli {

namespace {
constexpr size_t kMaxLine = 16u << 20;
}

bool EventParser::feed(std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    line_.append(text.substr(0, end));
    if (line_.size() > kMaxLine) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    const bool more = take_line(line_);
    line_.clear();
    if (!more) return false;
  }
  return true;
}

bool EventParser::take_line(std::string_view line) {
  if (line.empty()) {
    const bool complete = has_data_;
    const StreamEvent event = event_;
    event_.name = "message";
    event_.data.clear();
    has_data_ = false;
    return !complete || sink_(event);
  }
  if (line.starts_with(':')) return true;  // a comment: the server's heartbeat
  const auto colon = line.find(':');
  const auto field = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "id") event_.id = value;
  if (field == "event") event_.name = value;
  if (field == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  }
  return true;
}

}  // namespace holdfast::cli
