// Three layers in one input, split at NUL bytes: the merge that keeps origins agrees with RFC 7396 on values,
// and the second merge of the same patch changes nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/base/json.h"
#include "controller/config/merge.h"
#include "controller/config/path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  auto expected = Json::object();
  config::Node merged;
  merged.kind = config::Node::Kind::kObject;
  for (std::int32_t layer = 0; layer < 3; ++layer) {
    const auto text = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(text.size() < rest.size() ? text.size() + 1 : rest.size());
    const auto patch = parse_json(text);
    if (!patch || !patch->is_object()) continue;
    for (int twice = 0; twice < 2; ++twice) {
      merge_patch(expected, *patch);
      config::merge_into(merged, config::from_json(*patch, config::Mark{}), layer);
      if (dump_json(config::to_json(merged)) != dump_json(expected)) std::abort();
    }
  }
  const auto text = dump_json(expected);
  const auto again = parse_json(text);
  if (!again || *again != expected) std::abort();
  return 0;
}
