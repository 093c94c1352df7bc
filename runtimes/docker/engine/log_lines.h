// Lines of a container's log, out of what an engine sends with timestamps=1.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "runtimes/docker/engine/log_demux.h"
#include "runtimes/runtime.h"

namespace holdfast::docker {

// Keeps the newest lines within two bounds, so that a flood of a log takes no more memory than that. Lines
// are cut at kMaxLine. Not thread-safe.
class LogLines {
 public:
  static constexpr size_t kMaxLine = 1u << 20;
  static constexpr size_t kMaxBytes = 32u << 20;

  LogLines(size_t max_lines, size_t max_bytes, std::optional<std::string> only_stream);

  // One frame: "<time> <text>\n", or a piece of a line too long for one frame; each piece has its own time.
  void add_frame(LogDemux::Source source, std::string_view data);
  // Bytes of a container with a terminal, cut anywhere. Pieces of a long line follow each other without a
  // sign, each with its own time; Docker cuts at 16 KiB.
  void add_raw(std::string_view bytes);
  // Oldest first, with what was begun and not ended.
  std::vector<LogLine> take();
  [[nodiscard]] size_t seen() const { return seen_; }  // lines of both streams, dropped ones too

 private:
  struct Pending {
    WallTime at{};
    std::string text{};
    bool begun = false;
  };
  void append(Pending& line, std::string_view text);
  void finish(Pending& line, const char* stream);
  void finish_raw();

  const size_t max_lines_, max_bytes_;
  const std::optional<std::string> only_stream_;
  std::array<Pending, 2> pending_{};  // stdout, stderr
  std::string raw_;
  std::deque<LogLine> lines_;
  size_t bytes_ = 0, seen_ = 0;
};

}  // namespace holdfast::docker
