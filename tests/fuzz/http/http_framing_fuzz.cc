// Cuts arbitrary bytes into requests twice, split in different ways: both must see the same requests and the
// same refusal, or a client could hide one request from a proxy by how it sends it. Admission then takes each
// apart.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/http/admission.h"
#include "api/http/framing.h"

namespace {

using namespace holdfast::http;

constexpr size_t kMaxHead = 2048;
constexpr size_t kMaxBody = 4096;

const std::vector<Route>& routes() {
  static const auto handler = Handler([](const Request&) { return Response{}; });
  static const std::vector<Route> all{{Method::kGet, "/", Role::kNone, handler},
                                      {Method::kGet, "/a", Role::kNone, handler},
                                      {Method::kPost, "/a/:b", Role::kNone, handler},
                                      {Method::kPut, "/a/:b/c/:d", Role::kNone, handler}};
  return all;
}

void admit(RequestHead head, std::string& seen) {
  static const Options options;
  static Admission admission(options, routes());
  const auto outcome = admission.admit(head, {.peer = "peer", .local_host = "127.0.0.1"}, "id");
  if (const auto* refused = std::get_if<Refused>(&outcome)) {
    seen += " refused " + std::to_string(refused->response.status);
    return;
  }
  const auto& request = std::get<Admitted>(outcome).request;
  if (!holdfast::is_valid_utf8(request.path)) std::abort();
  for (const auto& [name, value] : request.params) seen += ' ' + name + '=' + value;
}

// Everything that was understood, as text. Pieces get longer by `growth` each time.
std::string read_all(std::string_view bytes, size_t piece, size_t growth) {
  RequestReader reader(kMaxHead);
  std::string seen;
  bool in_body = false;
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    piece += growth;
    for (;;) {
      const auto progress = in_body ? reader.read_body(kMaxBody) : reader.read_head();
      if (progress == Progress::kNeedInput) break;
      if (progress == Progress::kFailed) {
        if (reader.refusal().status < 400) std::abort();
        return seen + "\nfailed " + std::to_string(reader.refusal().status);
      }
      if (in_body) {
        if (reader.body().size() > kMaxBody) std::abort();
        seen += ' ' + reader.body();
      } else {
        seen += '\n' + std::string(to_string(reader.head().method)) + ' ' + reader.head().target;
        admit(reader.head(), seen);
      }
      in_body = !in_body;
    }
    reader.compact();
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = read_all(bytes, std::max<size_t>(size, 1), 0);
  if (read_all(bytes, 1, 0) != whole || read_all(bytes, 1, 3) != whole) std::abort();
  return 0;
}
