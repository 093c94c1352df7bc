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

struct ChildStart {
  int output = -1, errors = -1;  // become 1 and 2
  int go = -1;                   // read end: the program runs once a byte came; closed: never
  int failure = -1;              // write end for ChildFailure
  bool in_kill_cgroup = false;   // born there
};

// fork(2); the child is born in the directory's cgroup if that works (CLONE_INTO_CGROUP, Linux 5.7), which
// *born_there tells. Moving a process later makes the kernel wait for all processors: milliseconds.
int fork_into_cgroup(const char* directory, bool* born_there);

// Sets up and becomes the program. Runs in the forked child; never returns.
[[noreturn]] void run_child(const StartBlock& block, const ChildStart& start, int shim);

// For people: "cannot execute /x/y: permission denied".
class Text;
void explain_failure(const StartBlock& block, const ChildFailure& failure, Text* out);

}  // namespace holdfast::shim
