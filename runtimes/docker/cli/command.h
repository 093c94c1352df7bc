// Runs a command to its end under a deadline, and hands on what it writes.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/docker/cli/child.h"

namespace holdfast::docker {

enum class Stream { kOut, kErr };

// When to end a command early: its whole group is killed, and it is reaped.
struct Patience {
  std::optional<Duration> total{};    // from its start; then kTimeout
  std::optional<Duration> silence{};  // without a byte of output; then kTimeout
  std::stop_token stop{};             // requested: kUnavailable
};

// All of these are thread-safe, block until the command has ended, and leave neither a process of its group
// nor a descriptor behind. What a command left running outside its group (a connection that ssh shares, say)
// isn't waited for, though it may hold the pipes. Callbacks run on the calling thread.

// Gives the exit code. on_start: the program runs. on_output: in order of arrival.
Result<int> run_streaming(const Command& command, const Clock& clock, const Patience& patience,
                          const std::function<void(Stream, std::string_view)>& on_output,
                          const std::function<void()>& on_start = {});

struct Output {
  int exit_code = 0;
  std::string out{}, err{};
  bool complete = true;  // false: more than the limits was written, the rest was thrown away
};
struct OutputLimits {
  size_t out = size_t{64} << 20, err = size_t{64} << 10;  // bytes kept
};
Result<Output> run_command(const Command& command, const Clock& clock, const Patience& patience,
                           const OutputLimits& limits = {});

// Tells every line of stdout as it comes, without its newline, of at most 1 MiB; Output has only stderr.
Result<Output> run_lines(const Command& command, const Clock& clock, const Patience& patience,
                         const std::function<void(std::string_view)>& on_line,
                         const std::function<void()>& on_start = {});

}  // namespace holdfast::docker
