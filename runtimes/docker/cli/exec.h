// Runs a command beside a container's own with `docker exec`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtimes/docker/cli/docker.h"
#include "runtimes/runtime.h"

namespace holdfast::docker {

// As Client::exec. docker's exit code says too little: 1 is the command's own as well as "no such container".
// Where stderr sounds like docker's, `check` is asked whether the container runs; only if it says why not,
// docker has failed rather than the command.
//
// Killing `docker exec` leaves the command running in the container. So it gets a variable
// HOLDFAST_EXEC_ID of a value of its own; after the deadline, processes of this machine with that variable
// are killed, which reaches whatever the command started, unless it cleared its environment.
Result<ExecResult> exec_in(const Docker& docker, const std::string& container,
                           const std::vector<std::string>& argv, Duration timeout,
                           const std::function<Status()>& check);

// Kills every process of this machine that was started with `entry` ("NAME=value") in its environment, as far
// as it may be seen. Gives how many.
int kill_marked(const std::string& entry);

}  // namespace holdfast::docker
