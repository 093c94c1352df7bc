#include "examples/streaming-converter/publish.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"

namespace holdfast::examples {

namespace fs = std::filesystem;

namespace {

// FNV-1a: the same in every run, unlike what std::hash promises.
std::string short_hash(const std::string& text) {
  std::uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  std::array<char, 9> hex{};
  std::snprintf(hex.data(), hex.size(), "%08x", hash);
  return hex.data();
}

Status sync(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return fail(errno_error("cannot sync " + path, errno));
  return {};
}

Status move_durably(const std::string& part, const std::string& target) {
  if (auto synced = sync(part); !synced) return synced;
  if (rename(part.c_str(), target.c_str()) != 0) {
    return fail(errno_error("cannot rename " + part + " to " + target, errno));
  }
  return sync(fs::path(target).parent_path().string());
}

bool same_file_system(const std::string& part, const std::string& target) {
  struct stat a{}, b{};
  return stat(part.c_str(), &a) == 0 && stat(fs::path(target).parent_path().c_str(), &b) == 0 &&
         a.st_dev == b.st_dev;
}

}  // namespace

PartNames::PartNames(const std::string& owner) : tag_("." + short_hash(fs::absolute(owner).string()) + ".") {}

std::string PartNames::make(const std::string& directory, const std::string& group) const {
  static std::atomic<unsigned> counter{0};
  return directory + "/." + group + tag_ + std::to_string(getpid()) + "-" + std::to_string(++counter) +
         ".part";
}

void PartNames::sweep(const std::string& directory) const {
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const auto name = it->path().filename().string();
    if (!name.starts_with(".") || !name.ends_with(".part") || name.find(tag_) == std::string::npos) continue;
    std::error_code ignored;
    fs::remove(it->path(), ignored);
  }
}

Status publish(const std::string& part, const std::string& target, const std::string& part_beside_target) {
  Status status;
  if (same_file_system(part, target)) {
    status = move_durably(part, target);
  } else {
    std::error_code error;
    fs::copy_file(part, part_beside_target, fs::copy_options::overwrite_existing, error);
    status = error ? fail(errno_error("cannot copy " + part + " to " + part_beside_target, error.value()))
                   : move_durably(part_beside_target, target);
    if (!status) unlink(part_beside_target.c_str());
  }
  unlink(part.c_str());
  return status;
}

}  // namespace holdfast::examples
