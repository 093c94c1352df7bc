// `holdfast serve`: the composition root. Everything is made here, in order, and taken down in reverse.
#pragma once

#include <string>
#include <vector>

namespace holdfast {

struct ServeOptions {
  std::string config, state_dir = "state", listen, metrics_listen, shim;
  std::vector<std::string> overlays;
  bool insecure = false;
};

// Runs the controller until SIGTERM or SIGINT; services go on running. The exit status: 0, or 1 after a clear
// message.
int serve(const ServeOptions& options);

}  // namespace holdfast
