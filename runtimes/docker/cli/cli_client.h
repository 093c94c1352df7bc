// The engine through the `docker` command: for when only that knows the way to it, such as a context over
// ssh. It needs docker 20.10 or newer; what an older one lacks is left out where that is harmless.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

struct CliOptions {
  std::string program = "docker";  // a path, or a name to look up in PATH
  std::vector<std::string>
      environment{};  // "NAME=value" beside the controller's own, such as DOCKER_HOST=...
  // The deadlines of a call, after which its command is killed.
  Duration question = std::chrono::seconds{20};  // inspect, list, signal ...
  Duration work = std::chrono::minutes{2};       // create, start, remove, upload, logs
  // How long a pull may say nothing. Without a terminal the command tells of a layer's begin and end only, so
  // this is for the largest layer.
  Duration pull_silence = std::chrono::minutes{30};
};

// `clock` must outlive it, and it must outlive its subscriptions. Each call runs one command or two; nothing
// is kept between calls. It has no streamed figures: stats() takes the two seconds that docker needs.
std::unique_ptr<Client> make_cli_client(CliOptions options, const Clock& clock);

}  // namespace holdfast::docker
