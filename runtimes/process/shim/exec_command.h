// Mode::kExec: runs one command beside an instance, for an exec probe.
#pragma once

#include "runtimes/process/shim/start_block.h"

namespace holdfast::shim {

// Ends with an ExecReport at the command's end, at its deadline, or silently once nobody reads the report any
// more; in each case the command's whole tree is gone.
int run_command(StartBlock& block);

}  // namespace holdfast::shim
