#include <filesystem>

#include "api/auth/token_file.h"
#include "cli/cli.h"
#include "controller/base/clock.h"
#include "controller/base/file.h"
#include "controller/config/compose/compose.h"
#include "controller/config/config.h"
#include "controller/main/remove_services.h"
#include "controller/main/serve.h"
#include "controller/main/version.h"

namespace {

using namespace holdfast;

Result<size_t> validate(const std::vector<std::string>& files) {
  std::vector<config::LayerText> layers;
  for (const auto& file : files) {
    auto text = read_file(file);
    if (!text) return fail(text.error());
    layers.push_back({layers.empty() ? "base" : "overlay", file, std::move(*text)});
  }
  const auto loaded = config::load(layers);
  if (!loaded.document) return fail(config::to_error(loaded.errors));
  return loaded.document->services.size();
}

Result<cli::Imported> import_compose(const std::string& file, const cli::Environment& environment) {
  auto text = read_file(file);
  if (!text) return fail(text.error());
  const auto folder = std::filesystem::absolute(file).lexically_normal().parent_path();
  auto imported =
      config::import_compose({.file = file,
                              .text = std::move(*text),
                              .directory = folder.string(),
                              .environment = environment,
                              .read_file = [](const std::string& path) { return read_file(path); }});
  if (!imported) return fail(imported.error());
  return cli::Imported{std::move(imported->document), std::move(imported->notes)};
}

Result<std::string> create_token(const std::string& file, const std::string& name, const std::string& role) {
  const auto parsed = auth::parse_role(role);
  if (!parsed) return fail(parsed.error());
  return auth::create_token(file, name, *parsed, SystemClock());
}

Result<std::vector<cli::TokenEntry>> list_tokens(const std::string& file) {
  const auto tokens = auth::list_tokens(file);
  if (!tokens) return fail(tokens.error());
  std::vector<cli::TokenEntry> entries;
  entries.reserve(tokens->size());
  for (const auto& token : *tokens) {
    entries.push_back({token.name, std::string(http::to_string(token.role)), token.id, token.created});
  }
  return entries;
}

}  // namespace

int main(int argc, char** argv) {
  cli::Hooks hooks;
  hooks.version = kVersion;
  hooks.revision = kCommit;
  hooks.serve = serve;
  hooks.remove_services = remove_services;
  hooks.validate = validate;
  hooks.parse_document = [](const std::string& name, const std::string& text) {
    return config::parse_document({"base", name, text});
  };
  hooks.import_compose = import_compose;
  hooks.create_token = create_token;
  hooks.list_tokens = list_tokens;
  hooks.revoke_token = auth::revoke_token;
  return cli::run(argc, argv, hooks);
}
