// Any text as a compose file: no crash, and either a document, which import_compose has checked, or errors
// that say something. What .env and env_file hold is the same text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "controller/config/compose/compose.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto result = config::import_compose(
      {.file = "compose.yaml",
       .text = text,
       .directory = "/srv/app",
       .environment = [](const std::string& name) -> std::optional<std::string> {
         return name.starts_with('S') ? std::optional<std::string>("set") : std::nullopt;
       },
       .read_file = [&](const std::string& path) -> Result<std::string> {
         if (path.ends_with("there.env")) return text;
         return fail(ErrorCode::kNotFound, path + " is not there");
       }});
  if (result ? result->document.at("services").members().empty() : result.error().message.empty())
    std::abort();
  return 0;
}
