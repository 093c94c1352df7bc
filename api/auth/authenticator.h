// Who is calling? Bearer tokens (RFC 6750) for http::Options::authenticate, and the rule that an API that
// strangers can reach has authentication.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "api/auth/token_file.h"
#include "api/http/message.h"
#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace holdfast::auth {

// Failed attempts per peer address: a bucket that starts full, loses one with each failure and refills with
// time. It bounds what a guesser costs and writes to the log; it never holds a thread, and never keeps a
// valid token out, because several clients may share one address. Thread-safe.
class FailureLimiter {
 public:
  struct Settings {
    double burst = 20;
    double per_second = 0.5;
    size_t max_peers = 4096;  // remembered; beyond it full buckets, then the oldest, are forgotten
  };
  explicit FailureLimiter(const Clock& clock) : FailureLimiter(clock, Settings()) {}
  FailureLimiter(const Clock& clock, Settings settings) : clock_(clock), settings_(settings) {}
  // Counts a failure; false when the peer has had too many.
  bool allow(const std::string& peer);
  [[nodiscard]] size_t peers() const;

 private:
  struct Bucket {
    double tokens;
    MonoTime at;
  };
  void make_room();

  const Clock& clock_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

// "127.0.0.1:51234" -> "127.0.0.1"; of an IPv6 address the /64, which is what one caller can choose freely.
std::string peer_key(const std::string& peer);

// Whose token it is; nullopt: nobody's. An error: nobody can tell now. Thread-safe; may block.
using TokenLookup = std::function<Result<std::optional<http::Identity>>(const std::string& token)>;

// Looks in the file, which may be null, and then elsewhere. kPermission: no token or none that is valid
// (401); kConflict: too many failures (429); the error of `elsewhere`. Thread-safe; shares ownership of the
// token file, clock has to outlive it.
std::function<Result<http::Identity>(const http::Request&)> bearer_authenticator(
    std::shared_ptr<TokenFile> tokens, const Clock& clock, TokenLookup elsewhere = {});

// Refuses (kInvalid, with what to do) a listen address beyond this machine without authentication, unless
// insecure says that this is meant. Unix sockets are guarded by the permissions of their path.
Status check_exposure(const std::string& listen, bool has_auth, bool insecure);

}  // namespace holdfast::auth
