// What a compose file declares, as a document of Holdfast's own. What can't be carried over is said, never
// dropped in silence.
// Source: https://github.com/compose-spec/compose-spec/blob/main/spec.md, with what files of version 2 and 3
// wrote differently.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::config {

struct ComposeInput {
  std::string file{};       // as messages are to name it
  std::string text{};       // YAML
  std::string directory{};  // absolute, without a trailing slash: what relative paths are relative to
  std::function<std::optional<std::string>(const std::string& name)> environment{};
  // For .env and env_file, by absolute path; kNotFound if there is none.
  std::function<Result<std::string>(const std::string& path)> read_file{};
};

struct ComposeImport {
  Json document{};                   // valid for load(), services in the order of the file
  std::vector<std::string> notes{};  // "services.db.ulimits: not carried over (why)"
};

// Errors are kInvalid, all at once in details, each with file, line and column. Thread-safe.
Result<ComposeImport> import_compose(const ComposeInput& input);

}  // namespace holdfast::config
