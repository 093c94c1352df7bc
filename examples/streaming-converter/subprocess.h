// A conversion in a process of its own: whatever happens to it there, the converter goes on.
#pragma once

#include <string>
#include <vector>

#include "controller/base/result.h"

namespace holdfast::examples {

// Runs this very program once more with the hidden command below and waits for it. Its death by a signal is
// an error like any other. Thread-safe.
Status join_in_subprocess(const std::vector<std::string>& inputs, const std::string& group,
                          const std::string& output);

// The other side: argv is {program, kJoinCommand, parent pid, group, output, input...}. Gives the exit code
// and says on stdout what went wrong.
inline constexpr const char* kJoinCommand = "join-group";
int run_join_command(const std::vector<std::string>& argv);

}  // namespace holdfast::examples
