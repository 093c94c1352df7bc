// The small languages within a compose file: variables, shell words, sizes, and files of variables.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::config {

using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

// $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?message}, ${NAME?message}, ${NAME:+other},
// ${NAME+other}; $$ is a $. Names without a value and without a default are empty, and added to `unset`.
Result<std::string> interpolate(std::string_view text, const Lookup& lookup, std::vector<std::string>& unset);

// As a POSIX shell does: blanks part words, quotes and backslashes keep them; nothing is expanded.
Result<std::vector<std::string>> split_words(std::string_view text);

// "512m", "1.5gb", "1024": units are powers of 1024, in either case.
Result<std::int64_t> parse_compose_bytes(std::string_view text);
// The same as a Kubernetes quantity, "512Mi"; a number where no unit fits.
Json quantity(std::int64_t bytes);

// NAME=value lines, as .env and env_file hold them; nullopt: NAME alone. Errors name the line.
Result<std::vector<std::pair<std::string, std::optional<std::string>>>> parse_env_file(std::string_view text,
                                                                                       const Lookup& lookup);

// A text that Holdfast takes as it is: ${ would be one of its parameters.
std::string escape_parameters(std::string_view text);

}  // namespace holdfast::config
