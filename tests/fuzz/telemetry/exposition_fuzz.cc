// A metric page of a service is foreign input: any bytes, in any pieces.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/telemetry/exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  holdfast::telemetry::ExpositionParser whole({}), pieces({});
  whole.feed(text);
  const size_t step = size > 0 ? data[0] % 7 + 1 : 1;
  for (size_t i = 0; i < size; i += step) pieces.feed(text.substr(i, step));
  const auto a = whole.finish();
  const auto b = pieces.finish();
  if (a.has_value() != b.has_value() || (a && *a != *b)) std::abort();
  return 0;
}
