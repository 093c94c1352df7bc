// Lines out of bytes that are cut anywhere: streams send one JSON object on each.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace holdfast::http_client {

// Not thread-safe.
class LineSplitter {
 public:
  explicit LineSplitter(size_t max_line = 1u << 20) : max_line_(max_line) {}

  // Calls `line` with every complete line that isn't blank, without its end, until it answers false. False if
  // it did, or if a line is longer than the bound.
  template <typename Callback>
  bool feed(std::string_view bytes, Callback&& line) {
    for (;;) {
      const auto end = bytes.find('\n');
      const auto piece = bytes.substr(0, end);
      if (rest_.size() + piece.size() > max_line_) return false;
      if (end == std::string_view::npos) {
        rest_.append(piece);
        return true;
      }
      bytes.remove_prefix(end + 1);
      if (rest_.empty()) {
        if (!blank(piece) && !line(piece)) return false;
        continue;
      }
      rest_.append(piece);
      const std::string whole = std::exchange(rest_, {});
      if (!blank(whole) && !line(std::string_view(whole))) return false;
    }
  }
  [[nodiscard]] const std::string& rest() const { return rest_; }  // of a line without its end

 private:
  static bool blank(std::string_view text) {
    return text.find_first_not_of(" \t\r") == std::string_view::npos;
  }

  const size_t max_line_;
  std::string rest_;
};

}  // namespace holdfast::http_client
