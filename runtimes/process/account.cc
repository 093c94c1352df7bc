#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "runtimes/process/launch.h"

namespace holdfast::process {

namespace {

std::optional<uid_t> parse_uid(const std::string& text) {
  uid_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return uid;
}

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
  std::vector<gid_t> groups(32);
  for (;;) {
    int count = static_cast<int>(groups.size());
    const int found = getgrouplist(name.c_str(), gid, groups.data(), &count);
    groups.resize(static_cast<size_t>(std::max(count, 0)));
    if (found >= 0) return groups;
  }
}

// CAP_SETGID and CAP_SETUID (linux/capability.h: 6 and 7).
bool may_switch_user() {
  const std::string status = read_file("/proc/self/status").value_or("");
  const size_t at = status.find("\nCapEff:\t");
  if (at == std::string::npos) return geteuid() == 0;
  const unsigned long long capabilities = std::strtoull(status.c_str() + at + 9, nullptr, 16);
  return (capabilities & 0xC0u) == 0xC0u;
}

}  // namespace

Result<Account> find_account(const std::string& user) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  int error = 0;
  const auto uid = parse_uid(user);
  do {
    error = uid ? getpwuid_r(*uid, &entry, buffer.data(), buffer.size(), &found)
                : getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) buffer.resize(buffer.size() * 2);
  } while (error == EINTR || error == ERANGE);
  if (!found && uid) return Account{*uid, *uid, {*uid}, user, "/", "/bin/sh"};
  if (!found && error != 0 && error != ENOENT)
    return fail(errno_error("cannot look up the user " + user, error));
  if (!found) {
    return fail(ErrorCode::kInvalid, "there is no user '" + user + "' on this machine",
                "create the user, or set `user` to an existing name or a uid");
  }
  return Account{entry.pw_uid,  entry.pw_gid, groups_of(entry.pw_name, entry.pw_gid),
                 entry.pw_name, entry.pw_dir, entry.pw_shell};
}

Result<std::optional<Account>> account_to_become(const std::string& user) {
  if (user.empty()) return std::optional<Account>();
  auto account = find_account(user);
  if (!account) return fail(account.error());
  if (account->uid == geteuid()) return std::optional<Account>();
  if (!may_switch_user()) {
    return fail_terminal(ErrorCode::kPermission,
                         "cannot run as user '" + user + "' (uid " + std::to_string(account->uid) +
                             "): the controller runs as uid " + std::to_string(geteuid()) +
                             " without privilege",
                         "run holdfast as root, or remove `user` from the service");
  }
  return std::optional(std::move(*account));
}

}  // namespace holdfast::process
