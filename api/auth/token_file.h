// API tokens, stored hashed: one JSON object per line,
//   {"name": "ci", "role": "operator", "id": "1f0c…", "salt": "…", "hash": "…", "created":
//   "2026-01-31T12:00:00Z"}
// where hash is SHA-256(salt + secret) in hexadecimal. A token is "hf_<id>_<secret>"; the id finds the line,
// the secret is 256 random bits. Such a secret can't be guessed, not even by someone who has the file, so a
// slow password hash (PBKDF2 …) would only slow down every request; the salt keeps equal secrets apart. Blank
// lines and lines that begin with # are left out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"
#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace holdfast::auth {

struct TokenInfo {
  std::string id, name;
  http::Role role = http::Role::kViewer;
  std::string created;  // RFC 3339, or empty
};

Result<http::Role> parse_role(std::string_view text);  // viewer | operator | admin

// Adds a token and returns it: it can't be read again later. The file is made with mode 0600 if need be.
// kConflict when the name is taken; kInvalid for a name that isn't 1 to 63 of [A-Za-z0-9._-] or the role
// kNone. Several processes may do this at once.
Result<std::string> create_token(const std::string& path, const std::string& name, http::Role role,
                                 const Clock& clock);
Result<std::vector<TokenInfo>> list_tokens(const std::string& path);    // in the file's order
Status revoke_token(const std::string& path, const std::string& name);  // kNotFound

// The tokens of one file, read again when the file changes. While the file is missing or broken the tokens
// read last stay valid and the log says so. Thread-safe.
class TokenFile {
 public:
  // kNotFound, kInvalid (with the line), kPermission (unreadable, or writable by others: they could make
  // themselves admin). Warns when others can read it.
  static Result<std::unique_ptr<TokenFile>> open(std::string path);
  ~TokenFile();
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  // Who the token belongs to; nullopt: nobody. Costs one stat and one SHA-256.
  [[nodiscard]] std::optional<http::Identity> find(std::string_view token);

 private:
  struct Entry;
  using Entries = std::map<std::string, Entry, std::less<>>;  // by id
  using EntriesPtr = std::shared_ptr<const Entries>;
  struct Stamp {  // tells one state of the file from another
    std::uint64_t inode = 0, device = 0;
    std::uint32_t mode = 0;
    std::int64_t size = 0, modified_ns = 0, changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  explicit TokenFile(std::string path);
  static Result<Stamp> stamp_of(const std::string& path);
  static Result<EntriesPtr> load(const std::string& path, const Stamp& stamp);
  EntriesPtr current();

  const std::string path_;
  std::mutex mutex_;
  std::optional<Stamp> stamp_;  // of what was read last, good or bad
  EntriesPtr entries_;
};

}  // namespace holdfast::auth
