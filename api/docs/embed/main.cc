// Build-time tool: embed OPENAPI.yaml PAGE.html OUT.cc writes a source file that holds the API's description
// as JSON, the page that shows it, and the hashes of the page's style and script for its content security
// policy.
#include <array>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <openssl/evp.h>

#include "api/docs/embed/yaml_to_json.h"
#include "controller/base/file.h"
#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::docs {
namespace {

Result<std::string> between(const std::string& text, const std::string& open, const std::string& close) {
  const size_t begin = text.find(open);
  const size_t end = begin == std::string::npos ? begin : text.find(close, begin);
  if (end == std::string::npos) return fail(ErrorCode::kInvalid, "the page has no " + open + "..." + close);
  return text.substr(begin + open.size(), end - begin - open.size());
}

std::string csp_hash(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  std::array<unsigned char, size_t{2} * EVP_MAX_MD_SIZE> base64{};
  const int size = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(length));
  return "'sha256-" + std::string(base64.begin(), base64.begin() + size) + "'";
}

std::string literal(const std::string& text) {
  return "R\"holdfast(" + text + ")holdfast\"";
}

Result<std::string> generate(const std::string& yaml_file, const std::string& page_file) {
  const auto yaml = read_file(yaml_file);
  if (!yaml) return fail(yaml.error());
  const auto openapi = yaml_to_json(*yaml);
  if (!openapi) return fail(ErrorCode::kInvalid, yaml_file + ": " + openapi.error().message);
  const auto page = read_file(page_file);
  if (!page) return fail(page.error());
  const auto style = between(*page, "<style>", "</style>");
  if (!style) return fail(style.error());
  const auto script = between(*page, "<script>", "</script>");
  if (!script) return fail(script.error());
  return "// Generated from " + yaml_file.substr(yaml_file.rfind('/') + 1) + " and " +
         page_file.substr(page_file.rfind('/') + 1) + ".\n#include \"api/docs/embedded.h\"\n\n" +
         "namespace holdfast::docs {\n\nconst std::string_view kOpenapiJson = " +
         literal(dump_json(*openapi)) + ";\nconst std::string_view kPage = " + literal(*page) +
         ";\nconst std::string_view kStyleHash = " + literal(csp_hash(*style)) +
         ";\nconst std::string_view kScriptHash = " + literal(csp_hash(*script)) +
         ";\n\n}  // namespace holdfast::docs\n";
}

}  // namespace
}  // namespace holdfast::docs

int main(int argc, char** argv) {
  constexpr int kArguments = 4;
  if (argc != kArguments) {
    std::cerr << "usage: embed OPENAPI.yaml PAGE.html OUT.cc\n";
    return EXIT_FAILURE;
  }
  const auto source = holdfast::docs::generate(argv[1], argv[2]);
  if (!source) {
    std::cerr << source.error().message << "\n";
    return EXIT_FAILURE;
  }
  const auto written = holdfast::write_file_atomically(argv[3], *source);
  if (!written) std::cerr << written.error().message << "\n";
  return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
