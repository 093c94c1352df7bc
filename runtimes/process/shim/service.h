// Mode::kService: runs, watches and records one incarnation of an instance.
#pragma once

#include "runtimes/process/shim/start_block.h"

namespace holdfast::shim {

// Returns the shim's exit status, when the whole tree is gone and everything is recorded.
int run_service(StartBlock& block);

}  // namespace holdfast::shim
