// Did it come up, did it stop? Pure reading of one published status after a command.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "controller/model/status.h"

namespace holdfast::streaming {

// Name, ordinal and incarnation. What a runtime names is known by that alone: a pod that is about to go gives
// its ordinal to the next one.
using Run = std::tuple<std::string, int, std::uint64_t>;
using Runs = std::set<Run>;

// The world when the command was given.
struct Before {
  Runs runs;                              // every instance there was, exited ones too
  std::uint64_t restart_nonce = 0;        // a status with a smaller one doesn't know of the command yet
  std::optional<ExitRecord> last_exit{};  // these tell an old failure from a new one
  std::optional<Error> last_error{};
  bool failed = false;        // it had given up
  bool nonce_is_new = false;  // the command raised the nonce: a status that has it was made after the command
};
Before before(const ServiceStatus& status);

struct Verdict {
  enum class Outcome {
    kWait,
    kRuns,    // runs, and no probe will say more: up if it stays so for a moment
    kUp,      // runs and is ready
    kDone,    // ran to completion
    kFailed,  // won't come up by itself soon
  };
  Outcome outcome = Outcome::kWait;
  std::string message{};  // why it failed, or what is being waited for
  bool crashed = false;   // it ran and died: its stderr may tell more
  Runs runs{};            // of kRuns and kUp
  std::optional<std::int64_t> pid{};
};
Verdict judge_start(const ServiceStatus& status, const Before& before);
// kDone when nothing of it is left.
Verdict judge_stop(const ServiceStatus& status, const Before& before);

}  // namespace holdfast::streaming
