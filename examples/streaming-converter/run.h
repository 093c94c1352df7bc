// The converter as a service: everything put together around one event loop.
#pragma once

#include "controller/base/result.h"
#include "examples/streaming-converter/options.h"

namespace holdfast::examples {

// Until stop_fd becomes readable; then finishes the groups under way. An error means that it couldn't start.
Status run_converter(const Options& options, int stop_fd);

}  // namespace holdfast::examples
