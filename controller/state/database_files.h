// The database's files before it is opened: what can't be used is set aside.
#pragma once

#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace holdfast::state {

// Sets the database and its log aside, closed before; returns the new path.
Result<std::string> set_database_aside(const std::string& path, WallTime now);
// A log that is not one (NUL-filled after a power cut) or has no database is set aside, before any open.
std::optional<std::string> set_foreign_log_aside(const std::string& path, WallTime now);

}  // namespace holdfast::state
