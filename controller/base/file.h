// Whole files, read with a bound and replaced atomically.
#pragma once

#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace holdfast {

// kNotFound, kPermission, kInvalid (larger than max_bytes, a directory). Thread-safe.
Result<std::string> read_file(const std::string& path, size_t max_bytes = 16u << 20);

enum class Durability { kProcessCrash, kPowerLoss };  // the second adds fsync of the file and its directory

// Writes a temporary file beside path and renames it over: readers see the old or the new text, never a part.
// On an error (disk full, say) the old file is untouched and the temporary one removed.
Status write_file_atomically(const std::string& path, std::string_view text, unsigned mode = 0644,
                             Durability durability = Durability::kPowerLoss);

Status make_directories(const std::string& path, unsigned mode = 0755);  // like mkdir -p

}  // namespace holdfast
