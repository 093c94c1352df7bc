// A container to be made, apart from how the engine is told: as a body of its API, or as arguments of the
// `docker` command.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::docker {

struct CreateSpec {
  std::string image{};
  std::vector<std::string> command{};                    // empty: the image's
  std::optional<std::vector<std::string>> entrypoint{};  // nullopt: the image's; empty: none
  std::map<std::string, std::string> env{}, labels{};
  std::string working_dir{}, user{}, hostname{}, network{};
  std::vector<std::string> network_aliases{};  // only on a network of the user's own
  std::vector<std::string> volumes{}, ports{}, tmpfs{}, devices{}, extra_hosts{};  // as in DockerOptions
  std::vector<std::string> anonymous_volumes{};                                    // targets
  std::vector<std::string> cap_add{}, cap_drop{}, security_opt{}, group_add{};
  bool read_only = false, init = false, tty = false, privileged = false;
  std::optional<std::int64_t> nano_cpus{}, memory_bytes{}, pids{}, shm_size{};
  std::optional<std::int64_t> log_max_size{};  // bytes; json-file rotates by it
  std::optional<int> log_max_files{};
};

// Body of POST /containers/create. The restart policy is always "no": Holdfast's loop decides.
Json create_body(const CreateSpec& spec);

}  // namespace holdfast::docker
