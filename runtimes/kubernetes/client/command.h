// One run of a program that answers on its standard output.
#pragma once

#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace holdfast::kubernetes {

struct CommandResult {
  int exit_code = 0;  // 128 + the signal, as a shell says it
  std::string out{};
  std::string last_error_line{};  // of what it wrote to standard error, without control characters
};

// `argv[0]` is a path, or a name to look up in PATH; never a shell's text. `environment` wins over the
// controller's own. Its whole group is killed at the deadline. kNotFound (no such program), kPermission,
// kTimeout, kInvalid (more output than `max_bytes`), kInternal. Thread-safe; blocks.
Result<CommandResult> run_command(const std::vector<std::string>& argv,
                                  const std::vector<std::string>& environment, Duration deadline,
                                  size_t max_bytes = 1u << 20);

}  // namespace holdfast::kubernetes
