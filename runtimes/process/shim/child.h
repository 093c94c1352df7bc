// From fork to execve: the child's side of a start.
#pragma once

#include "runtimes/process/shim/start_block.h"

namespace holdfast::shim {

// Tells over a close-on-exec pipe why the program never ran; nothing is sent when it runs.
struct ChildFailure {
  Step step = Step::kNone;
  int error = 0;
  int detail = 0;
};

struct ChildFds {
  int output = -1, errors = -1;  // become 1 and 2
  int go = -1;                   // read end: the program runs once a byte came; closed: never
  int failure = -1;              // write end for ChildFailure
};

// Sets up and becomes the program. Runs in the forked child; never returns.
[[noreturn]] void run_child(const StartBlock& block, const ChildFds& fds, int shim);

// For people: "cannot execute /x/y: permission denied".
class Text;
void explain_failure(const StartBlock& block, const ChildFailure& failure, Text* out);

}  // namespace holdfast::shim
