// CPU time, memory, files and processes of an instance's tree, from its cgroup and /proc.
#pragma once

#include "controller/model/status.h"
#include "runtimes/process/instance.h"

namespace holdfast::process {

// Fields that can't be read stay empty; cpu_percent is left to who samples twice.
ResourceUsage measure(const TreeHandle& tree);

}  // namespace holdfast::process
