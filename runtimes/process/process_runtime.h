// Runs services as plain processes, each below a `holdfast-shim` of its own that outlives the controller.
//
//   <state_dir>/run/<service>/<ordinal>/
//     lock         flocked by the shim for as long as it lives: the one truth about "does it run"
//     shim.json    who runs (written by the shim before the program starts)
//     state.json   notify state and stop request (shim)
//     exit.json    how it ended (shim; kept until RemoveInstance or a newer StartInstance)
//     notify.sock  sd_notify; an abstract socket takes its place for long paths and other users
//     stdout.log[.N] stderr.log[.N]
//   *.tmp beside them are spare blocks for a full disk, not leftovers.
//
// Identity: incarnation, and for processes pid + start time + boot id, held as a pidfd, plus the lock.
#pragma once

#include <memory>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "controller/base/result.h"
#include "runtimes/runtime.h"

namespace holdfast {

struct ProcessRuntimeOptions {
  std::string state_dir;
  std::string shim_path;                              // the holdfast-shim program
  Duration start_timeout = std::chrono::seconds{10};  // from StartInstance to the shim's answer
  bool use_cgroups = true;  // false: process groups, the subreaper and setrlimit even where cgroups work
};

// Adopts every instance that an earlier controller left running in state_dir. Raises the soft limit of open
// files of this process to the hard one (a pidfd per instance); services get the old one. The caller holds
// the state dir's lock. `loop` must outlive the runtime; `clock` too.
Result<std::unique_ptr<Runtime>> make_process_runtime(EventLoop& loop, const Clock& clock,
                                                      ProcessRuntimeOptions options);

}  // namespace holdfast
