#include "tests/integration/process/fixture.h"

#include <filesystem>

#include <sys/stat.h>

#include "runtimes/process/proc.h"
#include "runtimes/process/records.h"
#include "runtimes/process/shim/protocol.h"

namespace holdfast::test {

std::vector<pid_t> processes_of(const ProcessWorld& world, const std::string& service) {
  const auto record = process::read_shim_record(world.run_dir(service));
  if (!record || !*record) return {};
  return process::pids_with_environment("HOLDFAST_INVOCATION=" + (*record)->invocation);
}

pid_t shim_of(const ProcessWorld& world, const std::string& service) {
  struct stat lock{};
  if (stat((world.run_dir(service) + "/lock").c_str(), &lock) != 0) return 0;
  for (const pid_t pid : process::all_pids()) {
    struct stat held{};
    const std::string link = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(shim::kLockFd);
    if (stat(link.c_str(), &held) == 0 && held.st_ino == lock.st_ino && held.st_dev == lock.st_dev)
      return pid;
  }
  return 0;
}

}  // namespace holdfast::test
