#include "controller/state/quarantine.h"

#include <cerrno>
#include <cstdio>

#include <sys/stat.h>

namespace holdfast::state {

namespace {
// "20261122T184703Z": no colons, so that every file system and shell takes it.
std::string stamp(WallTime now) {
  auto text = format_rfc3339(now).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}
}  // namespace

bool exists(const std::string& path) {
  struct stat info{};
  return lstat(path.c_str(), &info) == 0;
}

Result<std::string> set_aside(const std::string& path, WallTime now) {
  const std::string base = path + ".corrupt-" + stamp(now);
  std::string target = base;
  for (int n = 2; exists(target); ++n) target = base + "-" + std::to_string(n);
  if (rename(path.c_str(), target.c_str()) != 0) return fail(errno_error("cannot set aside " + path, errno));
  return target;
}

}  // namespace holdfast::state
