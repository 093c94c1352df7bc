// What the adapter remembers of one instance beside what the engine knows: labels can't be changed once a
// container is made, and one container serves many runs.
//
//   <state_dir>/docker/controller            id of this controller, on every container it makes
//   <state_dir>/docker/<service>/<ordinal>.json
//
// Written before a container is started, and once more when it has started. The engine's own time of the last
// start tells what happened to a run when the controller died in between:
//
//   started_at == before    not started (or the start failed: the engine says why)
//   started_at == started   this run
//   anything else           somebody else started it since
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace holdfast::docker {

struct RunRecord {
  std::string container{};        // id
  std::uint64_t incarnation = 0;  // of the newest run
  std::uint64_t previous = 0;     // the run that this container had before it; 0: none to be told of
  std::uint64_t restart_nonce = 0;
  std::string spec_hash{};
  std::string before{};                    // the engine's time of the start before this run's; empty: never
  std::string started{};                   // of this run; empty: not seen yet
  std::optional<MonoTime> started_mono{};  // within `boot`
  std::optional<MonoTime> stopping_since{};
  std::string start_error{};  // the engine's words, if it refused to start this run
  std::string boot{};
  std::string adopted{};   // name of a container that was there before Holdfast: never removed; empty: ours
  bool forgotten = false;  // RemoveInstance: the stopped container is kept for its logs and its next start

  bool operator==(const RunRecord&) const = default;
};

// nullopt: there is none. kInvalid: the file can't be understood.
Result<std::optional<RunRecord>> read_run_record(const std::string& path);
// Atomic; survives the controller's death, not a power loss, after which no container runs.
Status write_run_record(const std::string& path, const RunRecord& record);

// 16 random hex digits, made on the first call and kept for good: they say whose a container is.
Result<std::string> controller_id(const std::string& directory);

}  // namespace holdfast::docker
