// Durations, sizes, cores and paths: no crash, no negative value, and what is written out is read the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/config/config.h"
#include "controller/config/path.h"

namespace {
void check(bool condition) {
  if (!condition) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto duration = parse_duration(text)) {
    check(*duration >= holdfast::Duration{0});
    check(parse_duration(format_duration(*duration)) == duration);
  }
  if (const auto bytes = parse_quantity_bytes(text)) check(*bytes >= 0);
  if (const auto millis = parse_cpu_millis(text)) check(*millis >= 0);
  if (const auto segments = parse_path(text)) check(parse_path(path_of(*segments)) == segments);
  if (const auto segments = parse_pointer(text)) check(pointer_of(*segments) == text);
  return 0;
}
