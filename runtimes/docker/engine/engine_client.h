// The client that speaks the Engine API itself, to Docker or Podman.
// Source: https://docs.docker.com/reference/api/engine/version/v1.51/
#pragma once

#include <chrono>
#include <memory>

#include "controller/base/clock.h"
#include "runtimes/docker/client/client.h"
#include "runtimes/docker/engine/endpoint.h"

namespace holdfast::docker {

// Deadlines of single calls, from the question to the end of the answer. Not of a pull and an exec, which
// have their own.
struct EngineTimeouts {
  Duration connect = std::chrono::seconds{5};
  Duration query = std::chrono::seconds{5};  // inspect, list, image, version, and signals
  Duration create = std::chrono::seconds{60};
  Duration start = std::chrono::seconds{60};
  Duration remove = std::chrono::seconds{60};
  Duration upload = std::chrono::seconds{60};
  Duration logs = std::chrono::seconds{20};
  Duration pull_stall = std::chrono::seconds{60};  // without a word of the engine's
};

// Reaches nobody yet. The clock has to outlive the client; subscriptions may outlive it.
//
// Containers are named by id or name. Credentials for pulls are taken from `auths` of the docker command's
// config.json as they stand there; credential helpers (credsStore, credHelpers) are not run.
std::unique_ptr<Client> make_engine_client(Endpoint endpoint, const Clock& clock,
                                           EngineTimeouts timeouts = {});

}  // namespace holdfast::docker
