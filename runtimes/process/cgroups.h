// Control groups of the instances, where the system lets us make some: one v2 group per run for a tree kill
// that nothing escapes (cgroup.kill), and limits from v2 or v1 controllers, whichever are writable.
// Formats: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the Linux kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"

namespace holdfast::process {

// The groups of one run.
struct CgroupLeaf {
  std::vector<std::string> directories;            // the main process joins each
  std::string kill_directory;                      // has cgroup.kill; empty: no tree kill by cgroup
  std::string oom_file;                            // counts oom_kill; empty: no memory limit by cgroup
  bool memory = false, cpu = false, pids = false;  // limits that are in force
};

// Immutable after construction; thread-safe.
class Cgroups {
 public:
  // Finds out what works. `tag` keeps the groups of two controllers apart.
  Cgroups(const std::string& tag, bool enabled);
  ~Cgroups();
  Cgroups(const Cgroups&) = delete;
  Cgroups& operator=(const Cgroups&) = delete;

  [[nodiscard]] bool can_kill() const { return can_kill_; }
  enum class Controller { kMemory, kCpu, kPids };
  // "cgroup v2", "cgroup v1", or empty if the controller can't be used.
  [[nodiscard]] std::string limit_source(Controller controller) const;

  [[nodiscard]] Result<CgroupLeaf> make(const InstanceId& id, std::uint64_t incarnation,
                                        const Resources& resources) const;
  // v2 groups of any run of this ordinal that exist.
  [[nodiscard]] std::vector<std::string> leaves_of(const InstanceId& id) const;
  // Removes empty groups of instances that are not in use: left by a controller that was killed between
  // making a group and using it.
  void sweep(const std::function<bool(const InstanceId&)>& in_use) const;

 private:
  std::string v2_base_;  // empty: none
  bool v2_memory_ = false, v2_cpu_ = false, v2_pids_ = false;
  bool can_kill_ = false;
  std::string v1_memory_base_, v1_cpu_base_, v1_pids_base_;  // empty: none
};

void remove_cgroups(const std::vector<std::string>& directories);  // those that are empty
bool cgroup_populated(const std::string& directory);               // false if it doesn't exist
void kill_cgroup(const std::string& directory);

}  // namespace holdfast::process
