// Any text as a layer, YAML and JSON: no crash, and either a document or errors. What is valid stays the same
// when it is written out and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "controller/config/config.h"

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

void load_as(const std::string& file, const std::string& text) {
  using namespace holdfast::config;
  const std::vector<LayerText> layers = {{"base", file, text}};
  const Loaded loaded = load(layers);
  check(loaded.document.has_value() == loaded.errors.empty());
  if (!loaded.document) {
    check(!to_error(loaded.errors).message.empty());
    return;
  }
  const Loaded again =
      load({{"base", "again.json", dump_json(loaded.document->layers.at(0))}}, *loaded.document);
  check(again.document.has_value());
  check(again.document->services == loaded.document->services);
  check(changed_paths(loaded.document->merged, again.document->merged).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  load_as("fuzz.yaml", text);
  load_as("fuzz.json", text);
  return 0;
}
