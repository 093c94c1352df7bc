#include "controller/state/database_files.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"
#include "controller/state/quarantine.h"

namespace holdfast::state {

Result<std::string> set_database_aside(const std::string& path, WallTime now) {
  auto target = set_aside(path, now);
  if (!target) return tl::unexpected(target.error());
  // Under the matching name, so that sqlite3 finds the log with the file.
  if (exists(path + "-wal") && rename((path + "-wal").c_str(), (*target + "-wal").c_str()) != 0)
    return fail(errno_error("cannot set aside " + path + "-wal", errno));
  unlink((path + "-shm").c_str());
  return target;
}

std::optional<std::string> set_foreign_log_aside(const std::string& path, WallTime now) {
  const std::string log = path + "-wal";
  const UniqueFd fd(open(log.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<unsigned char, 4> magic{};
  if (!fd || read(fd.get(), magic.data(), magic.size()) != static_cast<ssize_t>(magic.size())) return {};
  // https://sqlite.org/fileformat.html#the_write_ahead_log: 0x377f0682 or 0x377f0683, big-endian
  const bool genuine = magic[0] == 0x37 && magic[1] == 0x7f && magic[2] == 0x06 && (magic[3] & 0xfe) == 0x82;
  if (genuine && exists(path)) return {};
  const auto target = set_aside(log, now);
  if (!target) return target.error().message;
  return "the write-ahead log " + log + (genuine ? " has no database" : " is not readable") +
         " and was kept as " + *target + ": the newest changes before the controller ended may be lost";
}

}  // namespace holdfast::state
