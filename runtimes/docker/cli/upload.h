// Puts files into a container with `docker cp`.
#pragma once

#include <string>

#include "controller/base/result.h"
#include "runtimes/docker/cli/docker.h"

namespace holdfast::docker {

// As Client::upload; for one that says "must be a directory", the container is known to exist.
Status copy_into(const Docker& docker, const std::string& container, const std::string& directory,
                 const std::string& tar);

// A tar archive of nothing but this directory (absolute), for unpacking at the root: it is made with what
// leads to it, and what is there already is left as it is. Source: POSIX.1-2017, pax, ustar. kInvalid: the
// path is relative or beyond what ustar holds.
Result<std::string> directory_archive(const std::string& directory);

}  // namespace holdfast::docker
