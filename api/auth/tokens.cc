// Making, listing and revoking tokens.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include "api/auth/secret.h"
#include "api/auth/token_file.h"
#include "api/auth/token_lines.h"
#include "controller/base/file.h"
#include "controller/base/unique_fd.h"

namespace holdfast::auth {
namespace {

constexpr size_t kIdBytes = 8, kSaltBytes = 16, kSecretBytes = 32;
constexpr unsigned kOwnerOnly = 0600;

// Held while a file is read, changed and replaced. On the directory, because the file itself is replaced.
Result<UniqueFd> lock_directory_of(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) directory = ".";
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(errno_error("cannot open the directory " + directory, errno));
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail(errno_error("cannot lock the directory " + directory, errno));
  return fd;
}

struct NewToken {
  TokenLine line;
  std::string text;
};

Result<NewToken> make_token(const std::string& name, http::Role role, const Clock& clock) {
  const auto id = random_hex(kIdBytes);
  if (!id) return fail(id.error());
  const auto salt = random_hex(kSaltBytes);
  if (!salt) return fail(salt.error());
  const auto secret = random_hex(kSecretBytes);
  if (!secret) return fail(secret.error());
  return NewToken{{{*id, name, role, format_rfc3339(clock.wall())}, *salt, sha256_hex(*salt, *secret)},
                  "hf_" + *id + "_" + *secret};
}

Status check_new(const std::string& name, http::Role role) {
  if (!valid_token_name(name))
    return fail(ErrorCode::kInvalid,
                "token name '" + name.substr(0, 100) + "': expected 1 to 63 of [A-Za-z0-9._-]");
  if (role == http::Role::kNone) return fail(ErrorCode::kInvalid, "role: expected viewer, operator or admin");
  return {};
}

}  // namespace

Result<http::Role> parse_role(std::string_view text) {
  for (const auto role : {http::Role::kViewer, http::Role::kOperator, http::Role::kAdmin})
    if (text == http::to_string(role)) return role;
  return fail(ErrorCode::kInvalid, "role: expected viewer, operator or admin");
}

Result<std::string> create_token(const std::string& path, const std::string& name, http::Role role,
                                 const Clock& clock) {
  if (const Status valid = check_new(name, role); !valid) return fail(valid.error());
  const auto lock = lock_directory_of(path);
  if (!lock) return fail(lock.error());
  const auto text = read_file(path);
  if (!text && text.error().code != ErrorCode::kNotFound) return fail(text.error());
  std::string content = text.value_or("");
  if (!content.empty() && content.back() != '\n') content += '\n';
  const auto lines = parse_token_lines(path, content);
  if (!lines) return fail(lines.error());
  if (std::any_of(lines->begin(), lines->end(),
                  [&](const TokenLine& line) { return line.info.name == name; }))
    return fail(ErrorCode::kConflict, path + " has a token named '" + name + "'",
                "choose another name, or revoke that token first");
  auto token = make_token(name, role, clock);
  if (!token) return fail(token.error());
  content += format_token_line(token->line);
  if (const Status written = write_file_atomically(path, content, kOwnerOnly); !written)
    return fail(written.error());
  return std::move(token->text);
}

Result<std::vector<TokenInfo>> list_tokens(const std::string& path) {
  const auto lines = read_token_lines(path);
  if (!lines) return fail(lines.error());
  std::vector<TokenInfo> infos;
  for (const TokenLine& line : *lines) infos.push_back(line.info);
  return infos;
}

Status revoke_token(const std::string& path, const std::string& name) {
  const auto lock = lock_directory_of(path);
  if (!lock) return fail(lock.error());
  const auto text = read_file(path);
  if (!text) return fail(text.error());
  const auto lines = parse_token_lines(path, *text);
  if (!lines) return fail(lines.error());
  if (std::none_of(lines->begin(), lines->end(),
                   [&](const TokenLine& line) { return line.info.name == name; }))
    return fail(ErrorCode::kNotFound, path + " has no token named '" + name + "'");
  return write_file_atomically(path, without_token(*text, name), kOwnerOnly);
}

}  // namespace holdfast::auth
