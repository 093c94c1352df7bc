// What `docker logs --timestamps` prints.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtimes/runtime.h"

namespace holdfast::docker {

// "2026-11-22T18:47:03.123456789Z text". The engine keeps a line beyond 16 KiB in pieces, each with a time of
// its own in front; they are joined again. Lines without a time are left out: they are docker's, not the
// container's.
std::vector<LogLine> parse_log_text(std::string_view text, const std::string& stream, bool tty);

// In order of time; of one time, stdout first.
std::vector<LogLine> merge_logs(std::vector<LogLine> out, std::vector<LogLine> err);

// For --since: "1767225600.000000001".
std::string seconds_text(std::int64_t ns_since_epoch);

}  // namespace holdfast::docker
