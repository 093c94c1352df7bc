// Takes arbitrary bytes for an engine's log stream, as framed and as a terminal's, cut in different ways: the
// lines must be the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtimes/docker/engine/log_lines.h"

namespace {

using namespace holdfast;
using namespace holdfast::docker;

constexpr size_t kMaxBytes = 2000;

std::string text_of(LogLines& lines, bool good) {
  std::string out = good ? "good" : "bad";
  for (const auto& line : lines.take()) {
    if (line.text.find('\n') != std::string::npos) std::abort();
    out += '\n' + line.stream + ' ' + format_rfc3339(line.at) + ' ' + line.text;
  }
  return out;
}

std::string read_all(std::string_view bytes, size_t piece, bool tty) {
  LogLines lines(20, kMaxBytes, {});
  LogDemux demux;
  bool good = true;
  for (size_t i = 0; i < bytes.size(); i += piece) {
    const auto part = bytes.substr(i, piece);
    if (tty)
      lines.add_raw(part);
    else
      good = demux.feed(part, [&](auto source, std::string_view data) { lines.add_frame(source, data); });
  }
  return text_of(lines, good);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool tty : {false, true}) {
    const auto whole = read_all(bytes, std::max<size_t>(size, 1), tty);
    if (read_all(bytes, 1, tty) != whole || read_all(bytes, 7, tty) != whole) std::abort();
  }
  return 0;
}
