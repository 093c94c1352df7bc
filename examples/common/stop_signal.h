// SIGTERM and SIGINT as a readable file descriptor.
#pragma once

#include "controller/base/unique_fd.h"

namespace holdfast::examples {

// Make it before any thread starts: threads inherit the blocked signals. Children inherit them too, so a
// signal to the whole process group leaves a conversion under way alone.
class StopSignal {
 public:
  StopSignal();
  [[nodiscard]] int fd() const { return fd_.get(); }  // readable once a stop was asked for

 private:
  UniqueFd fd_;
};

}  // namespace holdfast::examples
