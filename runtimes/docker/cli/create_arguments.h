// A container to be made, as arguments of `docker create`.
// Source: https://docs.docker.com/reference/cli/docker/container/create/
#pragma once

#include <string>
#include <vector>

#include "controller/base/result.h"
#include "runtimes/docker/client/create_spec.h"

namespace holdfast::docker {

// The values of environment variables may be secret, and everybody on the machine can read a command line.
// So they go over stdin, which the command reads as an env-file: that carries anything but several lines (and
// a few oddities), and never changes how the command itself behaves. A value that it can't carry goes through
// the command's own environment, from where `--env NAME` copies it.
struct CreateArguments {
  std::vector<std::string> arguments{};    // what follows "docker create", the image and command included
  std::vector<std::string> environment{};  // "NAME=value", for the docker command
  std::string input{};                     // for its stdin; empty: nothing
};

// Pure. Makes what create_body() makes: a container without restarts, and without swap beside its memory; and
// never pulls. kInvalid, terminal: a variable that can be handed over in neither way.
Result<CreateArguments> create_arguments(const std::string& name, const CreateSpec& spec);

}  // namespace holdfast::docker
