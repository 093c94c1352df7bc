#include "runtimes/kubernetes/client/credentials.h"

#include <utility>

#include <sys/stat.h>

#include "controller/base/file.h"

namespace holdfast::kubernetes {

namespace {

constexpr Duration kCheckPause = std::chrono::seconds{1};
constexpr Duration kReadPause = std::chrono::minutes{1};
constexpr size_t kMaxMaterial = 1u << 20;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text.substr(std::min(text.find_first_not_of(" \r\n"), text.size()));
}

// Anything else would end the header, or begin another.
bool fits_a_header(const std::string& token) {
  return token.find_first_of(std::string("\r\n\0", 3)) == std::string::npos;
}

}  // namespace

std::optional<WatchedFile::Stamp> WatchedFile::stamp_of(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return Stamp{static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
               status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size};
}

Result<std::string> WatchedFile::text(const std::string& path, MonoTime now) {
  if (read_at_ && now - checked_at_ < kCheckPause) return text_;
  checked_at_ = now;
  const auto stamp = stamp_of(path);
  if (read_at_ && stamp == stamp_ && now - *read_at_ < kReadPause) return text_;
  auto read = read_file(path, kMaxMaterial);
  if (!read && text_.empty()) return read;
  if (read && (!read->empty() || text_.empty())) {  // it may be written in place, and be empty for a moment
    text_ = std::move(*read);
    stamp_ = stamp;
  }
  read_at_ = now;
  return text_;
}

Credentials::Credentials(Access access, const Clock& clock, Duration plugin_deadline)
    : access_(std::move(access)), clock_(clock), plugin_deadline_(plugin_deadline) {}

Result<std::string> Credentials::text_of(const Material& material, WatchedFile& file, MonoTime now) {
  if (!material.text.empty() || material.path.empty()) return material.text;
  return file.text(material.path, now);
}

Result<Grant> Credentials::get() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.now();
  Grant grant;
  struct Part {
    const Material& material;
    WatchedFile& file;
    std::string& into;
  };
  for (auto& part :
       {Part{access_.ca, ca_, grant.ca}, Part{access_.certificate, certificate_, grant.certificate},
        Part{access_.key, key_, grant.key}, Part{access_.token, token_, grant.token}}) {
    auto text = text_of(part.material, part.file, now);
    if (!text)
      return fail(ErrorCode::kUnavailable, access_.where + ": " + text.error().message, text.error().hint);
    part.into = std::move(*text);
  }
  grant.token = trimmed(std::move(grant.token));
  if (auto added = add_plugin(grant); !added) return fail(added.error());
  if (!fits_a_header(grant.token))
    return fail(ErrorCode::kInvalid, access_.where + ": the token has more than one line");
  newest_ = grant;
  return grant;
}

Status Credentials::add_plugin(Grant& grant) {
  const bool has_own = !grant.token.empty() || !grant.certificate.empty();
  if (!access_.plugin || has_own) return {};
  const bool expired = plugin_ && plugin_->expires && *plugin_->expires <= clock_.wall();
  if (!plugin_ || expired) {
    plugin_.reset();
    auto answer = run_plugin();
    if (!answer) return fail(answer.error());
    plugin_ = std::move(*answer);
  }
  grant.token = plugin_->token;
  grant.certificate = plugin_->certificate;
  grant.key = plugin_->key;
  return {};
}

void Credentials::refused(const Grant& grant) {
  const std::lock_guard lock(mutex_);
  if (newest_ && !(*newest_ == grant)) return;
  for (auto* file : {&ca_, &certificate_, &key_, &token_}) file->forget();
  plugin_.reset();
}

}  // namespace holdfast::kubernetes
