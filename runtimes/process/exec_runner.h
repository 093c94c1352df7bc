// Runs a command beside a running instance, through a holdfast-shim that holds the deadline and leaves
// nothing behind, whatever becomes of the controller.
#pragma once

#include <string>
#include <vector>

#include "controller/base/result.h"
#include "runtimes/process/instance.h"
#include "runtimes/runtime.h"

namespace holdfast::process {

// Blocks for at most the timeout and a little more. Thread-safe.
Result<ExecResult> run_beside(const std::string& shim_path, const std::string& directory,
                              const InstanceId& id, const TreeHandle& tree,
                              const std::vector<std::string>& argv, Duration timeout);

}  // namespace holdfast::process
