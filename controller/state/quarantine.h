// Files that can't be read are set aside under a name of their own, never deleted.
#pragma once

#include <string>

#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace holdfast::state {

// Renames path to "<path>.corrupt-<UTC time>" (with "-2" and so on if that is taken) and returns the new
// name. Thread-safe.
Result<std::string> set_aside(const std::string& path, WallTime now);

bool exists(const std::string& path);

}  // namespace holdfast::state
