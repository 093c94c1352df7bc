// Starts a holdfast-shim.
#pragma once

#include <string>

#include <sys/types.h>

#include "controller/base/result.h"
#include "controller/base/unique_fd.h"

namespace holdfast::process {

struct SpawnedShim {
  pid_t pid = 0;
  UniqueFd pidfd;
  UniqueFd report;  // read end of the report pipe
};

// `label` shows in process lists; lock_fd and directory_fd are handed over (the caller closes its own).
Result<SpawnedShim> spawn_shim(const std::string& shim_path, const std::string& label,
                               const std::string& block, int lock_fd, int directory_fd);

// Reads up to size bytes, the first of which must come within the timeout; fewer at end of file. kTimeout.
Result<std::string> read_report(int fd, size_t size, int timeout_ms);

// Takes the exit status of a child off the system, if it is one and has ended.
void reap(int pidfd);

}  // namespace holdfast::process
