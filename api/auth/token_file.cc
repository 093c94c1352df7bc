#include "api/auth/token_file.h"

#include <cerrno>
#include <utility>

#include <sys/stat.h>

#include "api/auth/secret.h"
#include "api/auth/token_lines.h"
#include "controller/base/log.h"

namespace holdfast::auth {
namespace {

constexpr std::string_view kPrefix = "hf_";

}  // namespace

struct TokenFile::Entry {
  http::Identity identity;
  std::string salt, hash;
};

TokenFile::TokenFile(std::string path) : path_(std::move(path)) {}
TokenFile::~TokenFile() = default;

Result<std::unique_ptr<TokenFile>> TokenFile::open(std::string path) {
  std::unique_ptr<TokenFile> file(new TokenFile(std::move(path)));
  const auto stamp = stamp_of(file->path_);
  if (!stamp) {
    Error error = stamp.error();
    if (error.code == ErrorCode::kNotFound)
      error.hint = "make it with: holdfast token create --file " + file->path_ + " NAME --role admin";
    return fail(std::move(error));
  }
  auto entries = load(file->path_, *stamp);
  if (!entries) return fail(entries.error());
  file->stamp_ = *stamp;
  file->entries_ = *std::move(entries);
  return file;
}

Result<TokenFile::Stamp> TokenFile::stamp_of(const std::string& path) {
  constexpr std::int64_t kNanos = 1'000'000'000;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail(errno_error("cannot read the token file " + path, errno));
  return Stamp{info.st_ino,
               info.st_dev,
               info.st_mode,
               info.st_size,
               info.st_mtim.tv_sec * kNanos + info.st_mtim.tv_nsec,
               info.st_ctim.tv_sec * kNanos + info.st_ctim.tv_nsec};
}

Result<TokenFile::EntriesPtr> TokenFile::load(const std::string& path, const Stamp& stamp) {
  if ((stamp.mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(ErrorCode::kPermission, "the token file " + path + " can be written by others than its owner",
                "chmod 600 " + path + ": whoever can write it can become admin");
  const auto lines = read_token_lines(path);
  if (!lines) return fail(lines.error());
  if ((stamp.mode & S_IROTH) != 0)
    log::warning("everyone on this machine can read the token file; chmod 600 it", {{"file", path}});
  auto entries = std::make_shared<Entries>();
  for (const TokenLine& line : *lines)
    (*entries)[line.info.id] = Entry{{line.info.name, line.info.role}, line.salt, line.hash};
  return entries;
}

TokenFile::EntriesPtr TokenFile::current() {
  const std::scoped_lock lock(mutex_);
  const auto stamp = stamp_of(path_);
  if (!stamp) {
    if (stamp_)
      log::error("the token file can't be read; its last tokens stay valid",
                 {{"why", stamp.error().message}});
    stamp_.reset();  // so that the next state of the file is looked at, and this is said once
    return entries_;
  }
  if (stamp_ == *stamp) return entries_;
  stamp_ = *stamp;
  auto entries = load(path_, *stamp);
  if (entries) {
    entries_ = *std::move(entries);
    log::info("token file read", {{"file", path_}, {"tokens", std::uint64_t{entries_->size()}}});
  } else {
    log::error("the token file is refused; its last tokens stay valid",
               {{"why", entries.error().message}, {"hint", entries.error().hint}});
  }
  return entries_;
}

std::optional<http::Identity> TokenFile::find(std::string_view token) {
  const EntriesPtr entries = current();
  if (!token.starts_with(kPrefix)) return std::nullopt;
  token.remove_prefix(kPrefix.size());
  const size_t separator = token.find('_');
  if (separator == std::string_view::npos) return std::nullopt;
  const auto found = entries->find(token.substr(0, separator));
  if (found == entries->end()) return std::nullopt;
  const Entry& entry = found->second;
  if (!equal_in_constant_time(sha256_hex(entry.salt, token.substr(separator + 1)), entry.hash))
    return std::nullopt;
  return entry.identity;
}

}  // namespace holdfast::auth
