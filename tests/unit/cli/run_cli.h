// One command line, run in this process.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/cli.h"

namespace holdfast::cli {

struct Ran {
  int code = 0;
  std::string out, err;
};

inline Ran run_cli(const std::vector<std::string>& arguments, const Hooks& hooks = {},
                   const std::map<std::string, std::string>& variables = {}, bool colours = false) {
  std::ostringstream out, err;
  const Terminal terminal{out, err, colours, [&](const std::string& name) -> std::optional<std::string> {
                            const auto found = variables.find(name);
                            return found == variables.end() ? std::nullopt : std::optional(found->second);
                          }};
  const int code = run(arguments, hooks, terminal);
  return {code, out.str(), err.str()};
}

}  // namespace holdfast::cli
