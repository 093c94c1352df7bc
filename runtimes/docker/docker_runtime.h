// Runs services as containers of a Docker Engine, or of Podman through its compatible socket.
//
//   Client (client/)        what is asked of an engine: engine/ over its API, cli/ through the docker command
//   EngineLink              which of the two is in use; events, and a list of all after every gap
//   InstanceTable           one Instance for each ordinal: its container; record.h, sight.h: its runs
//   ContainerIo             logs, commands and figures of containers
//   ImagePuller             images, before they are needed
//
// A machine without Docker pays nothing: nobody looks for an engine until a service wants one.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/docker/client/client.h"
#include "runtimes/docker/engine_link.h"
#include "runtimes/runtime.h"

namespace holdfast {

struct DockerRuntimeOptions {
  std::string state_dir;
  std::string name_prefix = "holdfast-";        // of containers; two controllers on one engine want two
  std::map<std::string, std::string> labels{};  // on every container, beside the service's
  docker::LinkOptions link{};
};

// `engine`: the first choice; `cli`: the fallback; either may be null. The caller holds the state dir's lock;
// `clock` must outlive the runtime.
Result<std::unique_ptr<Runtime>> make_docker_runtime(const Clock& clock, DockerRuntimeOptions options,
                                                     std::unique_ptr<docker::Client> engine,
                                                     std::unique_ptr<docker::Client> cli);

}  // namespace holdfast
