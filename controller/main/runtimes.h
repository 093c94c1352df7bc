// The runtimes of a controller, each with what it needs of this machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "controller/base/result.h"
#include "runtimes/runtime.h"

namespace holdfast {

struct RuntimesOptions {
  std::string state_dir;
  std::string shim_path;        // of holdfast-shim
  std::string controller_name;  // empty: one of its own, kept in the state dir
  bool in_cluster = false;      // this controller itself runs in a Kubernetes cluster
};

// The caller holds the state dir's lock; `loop` and `clock` must outlive the runtimes.
Result<std::vector<std::shared_ptr<Runtime>>> make_runtimes(EventLoop& loop, const Clock& clock,
                                                            const RuntimesOptions& options);

}  // namespace holdfast
