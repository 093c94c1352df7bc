// What a container uses, from its cgroup: no question to the engine, 0.1 ms.
// Sources: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the Linux kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/model/status.h"

namespace holdfast::docker {

// pid: of the container's main process as the engine tells it. nullopt if this is another machine or pid
// namespace (the process isn't in a cgroup of that container), or nothing can be read. Memory as docker
// counts it: without the inactive part of the page cache. Thread-safe.
std::optional<ResourceUsage> cgroup_usage(const std::string& container, std::int64_t pid,
                                          const std::string& proc = "/proc",
                                          const std::string& cgroups = "/sys/fs/cgroup");

}  // namespace holdfast::docker
