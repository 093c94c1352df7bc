// One controller per state dir: an flock on <state>/lock, which also holds the pid of the holder.
#pragma once

#include <string>

#include "controller/base/result.h"
#include "controller/base/unique_fd.h"

namespace holdfast::state {

// Held until destroyed; released by the kernel if the process dies.
class StateLock {
 public:
  // kConflict with the holder's pid when another controller has it. Waits a few seconds for what a dead one
  // left.
  static Result<StateLock> acquire(const std::string& state_dir);

 private:
  explicit StateLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace holdfast::state
