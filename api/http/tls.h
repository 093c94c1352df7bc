// TLS 1.2 and 1.3 for accepted connections, with OpenSSL; certificates are re-read when their files change.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http/server.h"
#include "controller/base/clock.h"
#include "controller/base/result.h"

// OpenSSL's types, so that its headers stay out of this one.
struct ssl_st;
struct ssl_ctx_st;

namespace holdfast::http {

struct SslDeleter {
  void operator()(ssl_st* ssl) const;
  void operator()(ssl_ctx_st* context) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslDeleter>;
using SslContextPtr = std::unique_ptr<ssl_ctx_st, SslDeleter>;

// Checks that the key belongs to the certificate. kInvalid with OpenSSL's reason and the file.
Result<SslContextPtr> make_tls_context(const TlsFiles& files);

// The context for new connections. Not thread-safe: the accept thread's.
class TlsSource {
 public:
  static Result<std::unique_ptr<TlsSource>> open(TlsFiles files);

  // A session for an accepted socket (which it doesn't own). Looks at the files first, at most once a second;
  // a pair that can't be used is logged once and the one in use stays. Null: out of memory.
  SslPtr accept(int fd, MonoTime now);

 private:
  explicit TlsSource(TlsFiles files) : files_(std::move(files)) {}
  void reload_if_changed(MonoTime now);
  [[nodiscard]] std::vector<std::int64_t> fingerprint() const;  // of both files: identity, size, times

  TlsFiles files_;
  SslContextPtr context_;
  std::vector<std::int64_t> seen_;
  std::optional<MonoTime> checked_;
};

}  // namespace holdfast::http
