// Reads a text/event-stream (WHATWG HTML, "Server-sent events") that comes in pieces of any size.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace holdfast::cli {

struct StreamEvent {
  std::string id;  // of this event or the newest before it
  std::string name = "message";
  std::string data;
};

class EventParser {
 public:
  using Sink = std::function<bool(const StreamEvent&)>;  // false: no more
  explicit EventParser(Sink sink) : sink_(std::move(sink)) {}
  // False once the sink wanted no more, or when a line is longer than 16 MiB.
  bool feed(std::string_view text);

 private:
  bool take_line(std::string_view line);

  Sink sink_;
  std::string line_;
  StreamEvent event_;
  bool has_data_ = false;
};

}  // namespace holdfast::cli
