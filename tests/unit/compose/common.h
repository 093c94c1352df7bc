// Imports compose files in tests: no file and no variable is there but those that are given.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/config/compose/compose.h"
#include "controller/config/config.h"

namespace holdfast::config {

using Texts = std::map<std::string, std::string>;

inline Result<ComposeImport> import_text(const std::string& text, const Texts& variables = {},
                                         const Texts& files = {}) {
  return import_compose({.file = "compose.yaml",
                         .text = text,
                         .directory = "/srv/App.1",
                         .environment = [&](const std::string& name) -> std::optional<std::string> {
                           const auto found = variables.find(name);
                           return found == variables.end() ? std::nullopt : std::optional(found->second);
                         },
                         .read_file = [&](const std::string& path) -> Result<std::string> {
                           const auto found = files.find(path);
                           if (found == files.end())
                             return fail(ErrorCode::kNotFound, path + " is not there");
                           return found->second;
                         }});
}

// What came of a file that is good.
inline ComposeImport imported(const std::string& text, const Texts& variables = {}, const Texts& files = {}) {
  auto result = import_text(text, variables, files);
  EXPECT_TRUE(result) << (result ? "" : result.error().message) << "\n" << text;
  return result ? *result : ComposeImport{};
}

// By name, as Holdfast decodes what came out.
inline std::map<std::string, SpecPtr> services_of(const ComposeImport& result) {
  const auto loaded = load({{"base", "x.json", dump_json(result.document)}});
  EXPECT_TRUE(loaded.document);
  return loaded.document ? loaded.document->services : std::map<std::string, SpecPtr>{};
}

inline std::vector<std::string> faults_in(const std::string& text, const Texts& variables = {},
                                          const Texts& files = {}) {
  const auto result = import_text(text, variables, files);
  std::vector<std::string> out;
  if (!result) {
    for (const auto& detail : result.error().details)
      out.push_back(detail.origin + ": " + detail.path + ": " + detail.message);
  }
  return out;
}

}  // namespace holdfast::config
