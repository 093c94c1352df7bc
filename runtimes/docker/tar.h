// Writes small archives of regular files, as the engine takes them for a container.
// Source: POSIX.1-1988 ustar.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::docker {

// Appends a file owned by root. name: relative, at most 99 bytes. size: below 8 GiB.
void add_tar_file(std::string& tar, std::string_view name, std::string_view content, unsigned mode);
void end_tar(std::string& tar);

}  // namespace holdfast::docker
