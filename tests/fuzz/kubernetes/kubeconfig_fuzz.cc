// Takes arbitrary bytes for a kubeconfig file, alone and merged with itself: what comes out is the same, and
// an address to which a path can be added.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtimes/kubernetes/client/kubeconfig.h"

namespace {

using namespace holdfast;
using namespace holdfast::kubernetes;

void check(const Access& access) {
  if (!access.server.starts_with("http") || access.server.ends_with('/')) std::abort();
  if (access.default_namespace.empty() || access.certificate.given() != access.key.given()) std::abort();
  if (access.plugin && (access.plugin->argv.empty() || access.plugin->argv[0].empty())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Kubeconfig once, twice;
  const bool good = once.add("/a/config", text).has_value();
  if (twice.add("/a/config", text).has_value() != good) std::abort();
  if (good && !twice.add("/a/config", text)) std::abort();
  for (const auto* context : {"", "lab"}) {
    const auto access = once.access(context);
    const auto again = twice.access(context);
    if (access.has_value() != again.has_value()) std::abort();
    if (access) check(*access);
    if (access && (access->server != again->server || access->token.text != again->token.text)) std::abort();
  }
  return 0;
}
