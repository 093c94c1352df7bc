// Takes arbitrary bytes for the answer to a watch, cut in different ways: the events must be the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtimes/kubernetes/client/watch_reader.h"

namespace {

using namespace holdfast;
using namespace holdfast::kubernetes;

std::string read_all(std::string_view bytes, size_t piece) {
  std::string told;
  WatchReader reader({.verb = "watch", .resource = kPods}, [&](const WatchEvent& event) {
    told += std::to_string(static_cast<int>(event.type)) + dump_json(event.object) + '\n';
  });
  for (size_t i = 0; i < bytes.size(); i += piece) {
    if (!reader.feed(bytes.substr(i, piece))) break;
  }
  if (const auto& failure = reader.failure())
    told += std::to_string(failure->status) + failure->error.message;
  else if (reader.within_a_line())
    told += "cut";
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = read_all(bytes, std::max<size_t>(size, 1));
  if (read_all(bytes, 1) != whole || read_all(bytes, 7) != whole) std::abort();
  return 0;
}
