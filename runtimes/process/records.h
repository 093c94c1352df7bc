// Reads the files that the shim writes (runtimes/process/shim/records.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/model/observation.h"

namespace holdfast::process {

struct ShimRecord {
  InstanceId id;
  std::uint64_t incarnation = 0;
  std::string spec_hash;
  std::uint64_t restart_nonce = 0;
  std::string boot_id, invocation;
  pid_t shim_pid = 0, child_pid = 0;
  std::uint64_t shim_start = 0, child_start = 0;  // clock ticks since boot
  MonoTime started_mono;
  WallTime started_wall;
  std::string kill_cgroup;
  std::vector<std::string> cgroups;
};

struct StateRecord {
  std::uint64_t incarnation = 0;
  bool ready = false;
  std::optional<MonoTime> watchdog;
  std::optional<MonoTime> stopping_since;
  std::string status;
  bool main_pid_refused = false;
};

struct ExitFile {
  std::uint64_t incarnation = 0;
  bool tree_gone = false;  // nothing of the run is left, not only its main process
  ExitRecord exit;
};

// nullopt: no such file. kInvalid: it is there, but not what a shim writes.
Result<std::optional<ShimRecord>> read_shim_record(const std::string& directory);
Result<std::optional<StateRecord>> read_state_record(const std::string& directory);
Result<std::optional<ExitFile>> read_exit_file(const std::string& directory);

// For a run whose shim could not write it any more.
Status write_exit_file(const std::string& directory, const InstanceId& id, const ExitFile& file);

}  // namespace holdfast::process
