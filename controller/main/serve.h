// `holdfast serve`: the composition root. Everything is made here, in order, and taken down in reverse.
#pragma once

#include "cli/cli.h"

namespace holdfast {

// Runs the controller until SIGTERM or SIGINT; services go on running. The exit status: 0, or 1 after a clear
// message.
int serve(const cli::ServeOptions& options);

}  // namespace holdfast
