// The `docker` command with its options, for the files of this room.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/docker/cli/cli_client.h"
#include "runtimes/docker/cli/command.h"

namespace holdfast::docker {

// Thread-safe. `clock` must outlive it.
class Docker {
 public:
  Docker(CliOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  // `arguments` without the program. A failed command is an error; its stdout is in `partial`, if given.
  Result<std::string> ask(const std::vector<std::string>& arguments, Duration timeout,
                          std::string* partial = nullptr) const;
  Result<std::string> ask(const Command& command, Duration timeout, std::string* partial = nullptr) const;

  [[nodiscard]] Command command(const std::vector<std::string>& arguments) const;
  [[nodiscard]] const CliOptions& options() const { return options_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  CliOptions options_;
  const Clock& clock_;
};

// "docker create web-0", of a command's first two arguments that are no flags.
std::string summary_of(const Command& command);

// A name or an id that docker can take for nothing else, such as a flag or a path. kInvalid otherwise.
Status check_name(const std::string& container);

}  // namespace holdfast::docker
