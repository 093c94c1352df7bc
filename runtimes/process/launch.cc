#include "runtimes/process/launch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "runtimes/secrets.h"

namespace holdfast::process {

namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Of the controller, its supervisor or its own secrets; they would mislead or leak.
bool stays_with_controller(std::string_view name) {
  constexpr std::array<std::string_view, 8> kOwn{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                                 "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES",
                                                 "INVOCATION_ID", "JOURNAL_STREAM"};
  return name.starts_with("HOLDFAST_") || std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end();
}

struct LimitName {
  const char* name;
  __rlimit_resource resource;
};
constexpr std::array<LimitName, 15> kLimitNames{{{"as", RLIMIT_AS},
                                                 {"core", RLIMIT_CORE},
                                                 {"cpu", RLIMIT_CPU},
                                                 {"data", RLIMIT_DATA},
                                                 {"fsize", RLIMIT_FSIZE},
                                                 {"memlock", RLIMIT_MEMLOCK},
                                                 {"msgqueue", RLIMIT_MSGQUEUE},
                                                 {"nice", RLIMIT_NICE},
                                                 {"nofile", RLIMIT_NOFILE},
                                                 {"nproc", RLIMIT_NPROC},
                                                 {"rss", RLIMIT_RSS},
                                                 {"rtprio", RLIMIT_RTPRIO},
                                                 {"rttime", RLIMIT_RTTIME},
                                                 {"sigpending", RLIMIT_SIGPENDING},
                                                 {"stack", RLIMIT_STACK}}};

bool may_raise_limits() {  // CAP_SYS_RESOURCE is 24
  const std::string status = read_file("/proc/self/status").value_or("");
  const size_t at = status.find("\nCapEff:\t");
  if (at == std::string::npos) return geteuid() == 0;
  return ((std::strtoull(status.c_str() + at + 9, nullptr, 16) >> 24) & 1u) != 0;
}

Result<shim::LimitEntry> plan_limit(const std::string& name, std::int64_t value) {
  const auto* known = std::find_if(kLimitNames.begin(), kLimitNames.end(),
                                   [&](const LimitName& limit) { return name == limit.name; });
  if (known == kLimitNames.end()) {
    std::string names;
    for (const auto& limit : kLimitNames) names += (names.empty() ? "" : ", ") + std::string(limit.name);
    return fail_terminal(ErrorCode::kInvalid, "process.limits: there is no limit '" + name + "'",
                         "known limits: " + names);
  }
  if (value < -1) {
    return fail_terminal(ErrorCode::kInvalid,
                         "process.limits." + name + ": " + std::to_string(value) + " isn't a limit",
                         "use 0 or more, or -1 for unlimited");
  }
  const auto wanted = value < 0 ? RLIM_INFINITY : static_cast<rlim_t>(value);
  rlimit current{};
  if (getrlimit(known->resource, &current) == 0 && wanted > current.rlim_max && !may_raise_limits()) {
    return fail_terminal(ErrorCode::kPermission,
                         "process.limits." + name + ": " + std::to_string(value) +
                             " is above the hard limit of the controller (" +
                             std::to_string(current.rlim_max) + ")",
                         "lower it, or start holdfast with a higher hard limit");
  }
  return shim::LimitEntry{wanted, wanted, static_cast<std::uint32_t>(known->resource), 0};
}

bool is_program(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<Environment> build_environment(const ServiceSpec& spec, const std::optional<Account>& account) {
  Environment environment;
  for (char** at = environ; at && *at; ++at) {
    const std::string_view entry(*at);
    const size_t equals = entry.find('=');
    if (equals == std::string_view::npos || stays_with_controller(entry.substr(0, equals))) continue;
    environment[std::string(entry.substr(0, equals))] = entry.substr(equals + 1);
  }
  environment.try_emplace("PATH", kDefaultPath);
  if (account) {
    environment["USER"] = environment["LOGNAME"] = account->name;
    environment["HOME"] = account->home;
    environment["SHELL"] = account->shell;
  }
  for (const auto& [name, value] : spec.env) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      environment[name] = *text;
      continue;
    }
    auto secret = read_secret(name, std::get<SecretRef>(value));
    if (!secret) return fail(secret.error());
    environment[name] = std::move(*secret);
  }
  return environment;
}

std::optional<std::string> find_program(const std::string& name, const Environment& environment) {
  if (name.find('/') != std::string::npos) return name;
  const auto path = environment.find("PATH");
  std::string_view rest = path == environment.end() ? kDefaultPath : std::string_view(path->second);
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    std::string candidate(rest.substr(0, colon));
    candidate.append("/").append(name);
    if (candidate.starts_with('/') && is_program(candidate)) return candidate;
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return std::nullopt;
}

Result<std::vector<shim::LimitEntry>> plan_limits(const ServiceSpec& spec, const CgroupLeaf& leaf,
                                                  std::uint64_t default_nofile) {
  std::vector<shim::LimitEntry> limits;
  if (!spec.process.limits.contains("nofile")) {
    limits.push_back({default_nofile, 0, static_cast<std::uint32_t>(RLIMIT_NOFILE), 1});
  }
  if (spec.resources.memory_bytes && !leaf.memory && !spec.process.limits.contains("data")) {
    limits.push_back({static_cast<std::uint64_t>(*spec.resources.memory_bytes), 0,
                      static_cast<std::uint32_t>(RLIMIT_DATA), 1});
  }
  if (spec.resources.pids && !leaf.pids && !spec.process.limits.contains("nproc")) {
    limits.push_back(
        {static_cast<std::uint64_t>(*spec.resources.pids), 0, static_cast<std::uint32_t>(RLIMIT_NPROC), 1});
  }
  for (const auto& [name, value] : spec.process.limits) {
    const auto limit = plan_limit(name, value);
    if (!limit) return fail(limit.error());
    limits.push_back(*limit);
  }
  return limits;
}

Result<std::string> encode(const Launch& launch) {
  std::vector<std::string_view> strings{
      launch.service,         launch.spec_hash,   launch.boot_id,        launch.invocation,
      launch.program,         launch.working_dir, launch.notify_address, launch.cgroups.kill_directory,
      launch.cgroups.oom_file};
  strings.insert(strings.end(), launch.cgroups.directories.begin(), launch.cgroups.directories.end());
  strings.insert(strings.end(), launch.argv.begin(), launch.argv.end());
  strings.insert(strings.end(), launch.environment.begin(), launch.environment.end());

  std::string block(sizeof(shim::StartHeader), '\0');
  const auto append = [&](const void* data, size_t size) {
    block.append(static_cast<const char*>(data), size);
  };
  const auto align = [&] { block.resize((block.size() + 7) / 8 * 8); };
  append(launch.limits.data(), launch.limits.size() * sizeof(shim::LimitEntry));
  append(launch.groups.data(), launch.groups.size() * sizeof(std::uint32_t));
  align();
  for (const auto text : strings) {
    if (text.find('\0') != std::string_view::npos) {
      return fail_terminal(
          ErrorCode::kInvalid,
          "an argument or environment variable of " + launch.service + " holds a NUL character",
          "remove it: no program can be given one");
    }
    block.append(text).push_back('\0');
  }
  align();
  shim::StartHeader header = launch.header;
  header.total_size = block.size();
  header.limit_count = static_cast<std::uint32_t>(launch.limits.size());
  header.group_count = static_cast<std::uint32_t>(launch.groups.size());
  header.cgroup_count = static_cast<std::uint32_t>(launch.cgroups.directories.size());
  header.argc = static_cast<std::uint32_t>(launch.argv.size());
  header.envc = static_cast<std::uint32_t>(launch.environment.size());
  std::memcpy(block.data(), &header, sizeof header);
  block.resize(block.size() + (launch.argv.size() + launch.environment.size() + 2) * sizeof(char*));
  return block;
}

namespace {

Status check_program(const ServiceSpec& spec, const Environment& environment) {
  if (spec.argv.empty() || spec.argv[0].empty()) {
    return fail_terminal(ErrorCode::kInvalid, "service " + spec.name + " has no command",
                         "set `command` to the program and its arguments");
  }
  const auto program = find_program(spec.argv[0], environment);
  if (!program) {
    return fail(
        ErrorCode::kInvalid,
        "command '" + spec.argv[0] + "' was not found in the service's PATH (" + environment.at("PATH") + ")",
        "install it, give its full path in `command`, or set env.PATH");
  }
  std::string path = *program;
  if (path[0] != '/') {
    if (spec.working_dir.empty())
      return {};  // relative to the instance's own directory, which isn't there yet
    path = spec.working_dir + "/" + path;
  }
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    Error error = errno_error("command '" + path + "'", errno);
    error.code = error.code == ErrorCode::kPermission ? error.code : ErrorCode::kInvalid;
    error.hint = "check `command` and `workingDir`";
    return fail(error);
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kInvalid, "command '" + path + "' isn't a file", "name the program itself");
  }
  if ((info.st_mode & 0111) == 0) {
    return fail(ErrorCode::kInvalid, "command '" + path + "' isn't executable", "chmod +x " + path);
  }
  return {};
}

}  // namespace

Status check_launch(const ServiceSpec& spec) {
  const auto account = account_to_become(spec.user);
  if (!account) return fail(account.error());
  const auto environment = build_environment(spec, *account);
  if (!environment) return fail(environment.error());
  if (const auto program = check_program(spec, *environment); !program) return program;
  CgroupLeaf all_held;
  all_held.memory = all_held.cpu = all_held.pids = true;
  if (const auto limits = plan_limits(spec, all_held, 1024); !limits) return fail(limits.error());
  if (spec.process.nice < 0 && !may_raise_limits() && geteuid() != 0) {
    return fail_terminal(ErrorCode::kPermission, "process.nice: a negative value needs privilege",
                         "use 0 to 19, or run holdfast as root");
  }
  struct stat info{};
  if (!spec.working_dir.empty() && stat(spec.working_dir.c_str(), &info) != 0) {
    Error error = errno_error("workingDir '" + spec.working_dir + "'", errno);
    error.code = ErrorCode::kInvalid;
    error.hint = "make the directory, or correct `workingDir`";
    return fail(error);
  }
  if (!spec.working_dir.empty() && !S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::kInvalid, "workingDir '" + spec.working_dir + "' isn't a directory",
                "name a directory, or leave `workingDir` out");
  }
  return {};
}

}  // namespace holdfast::process
