#include "controller/base/file.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"

namespace holdfast {

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail(errno_error("cannot read " + path, errno));
  std::string text;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const ssize_t n = read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("cannot read " + path, errno));
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(n));
    if (text.size() > max_bytes) {
      return fail(ErrorCode::kInvalid, path + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

namespace {

Status write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("cannot write " + path, errno));
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status sync_directory_of(const std::string& path) {
  const auto directory = std::filesystem::path(path).parent_path().string();
  const UniqueFd fd(open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return fail(errno_error("cannot sync the directory of " + path, errno));
  return {};
}

}  // namespace

Status write_file_atomically(const std::string& path, std::string_view text, unsigned mode,
                             Durability durability) {
  std::string temporary = path + ".tmp.XXXXXX";
  UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail(errno_error("cannot write " + path, errno));
  Status status = write_all(fd.get(), text, path);
  if (status && fchmod(fd.get(), mode) != 0) status = fail(errno_error("cannot write " + path, errno));
  if (status && durability == Durability::kPowerLoss && fsync(fd.get()) != 0) {
    status = fail(errno_error("cannot write " + path, errno));
  }
  if (status && rename(temporary.c_str(), path.c_str()) != 0)
    status = fail(errno_error("cannot write " + path, errno));
  if (!status) {
    unlink(temporary.c_str());
    return status;
  }
  return durability == Durability::kPowerLoss ? sync_directory_of(path) : status;
}

Status make_directories(const std::string& path, unsigned mode) {
  std::string prefix;
  for (size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && path[i] != '/') continue;
    prefix = path.substr(0, i);
    if (prefix.empty() || mkdir(prefix.c_str(), mode) == 0 || errno == EEXIST) continue;
    return fail(errno_error("cannot make the directory " + prefix, errno));
  }
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return fail(errno_error("cannot make the directory " + path, errno));
  if (!S_ISDIR(info.st_mode)) return fail(errno_error(path, ENOTDIR));
  return {};
}

}  // namespace holdfast
