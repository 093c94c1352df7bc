// Just enough of an archive to make directories.
// Source: POSIX.1-2017, pax, "ustar Interchange Format".
#pragma once

#include <string>

namespace holdfast::docker {

// An archive of "a", "a/b" and "a/b/c" for the relative path "a/b/c": mode 0755, of root. Names longer than
// a header holds are given in GNU's way.
std::string tar_of_directories(const std::string& path);

}  // namespace holdfast::docker
