// What an operator asked for, apart from what is configured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/model/service_spec.h"

namespace holdfast {

struct Actor {
  std::string name = "system";  // token name, "system", "config", "anonymous"
  std::string from;             // peer address, empty for the controller itself
};

struct Intent {
  std::optional<Desired>
      desired;  // overrides the configured one; dropped when the config's own value changes later
  Desired configured = Desired::kRunning;  // the config's value when the intent was made
  std::uint64_t restart_nonce = 0;         // instances started with a smaller one are replaced
  std::string actor;
  WallTime at{};
  bool operator==(const Intent&) const = default;
};

}  // namespace holdfast
