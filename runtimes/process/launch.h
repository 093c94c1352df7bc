// From a spec to what a shim needs to start it: program, user, environment (secrets read), limits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "controller/base/result.h"
#include "controller/model/service_spec.h"
#include "runtimes/process/cgroups.h"
#include "runtimes/process/shim/protocol.h"

namespace holdfast::process {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string name, home, shell;
};
// A name or a uid, from the system's user database. kInvalid if there is none.
Result<Account> find_account(const std::string& user);
// kPermission, terminal, if this process can't become the account's user. nullopt: no switch is needed.
Result<std::optional<Account>> account_to_become(const std::string& user);

using Environment = std::map<std::string, std::string>;
// The controller's own without what belongs to the controller alone, HOME and USER of the account, then the
// spec's. Reads secrets: for nothing but the start itself.
Result<Environment> build_environment(const ServiceSpec& spec, const std::optional<Account>& account);

// The program as execve needs it, looked up as execvp does in the environment's PATH; nullopt if PATH doesn't
// hold it.
std::optional<std::string> find_program(const std::string& name, const Environment& environment);

struct Launch {
  shim::StartHeader header;
  std::vector<shim::LimitEntry> limits;
  std::vector<std::uint32_t> groups;
  std::string service, spec_hash, boot_id, invocation, program, working_dir, notify_address;
  CgroupLeaf cgroups;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
};
// The start block of shim/protocol.h; kInvalid if a string holds a NUL.
Result<std::string> encode(const Launch& launch);

// process.limits and what no cgroup holds of resources, as setrlimit entries. kInvalid for an unknown name,
// kPermission for a limit above the hard one.
Result<std::vector<shim::LimitEntry>> plan_limits(const ServiceSpec& spec, const CgroupLeaf& leaf,
                                                  std::uint64_t default_nofile);

// Everything of a spec that a start would refuse, found without starting.
Status check_launch(const ServiceSpec& spec);

}  // namespace holdfast::process
