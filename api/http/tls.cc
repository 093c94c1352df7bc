#include "api/http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include "controller/base/log.h"

namespace holdfast::http {

namespace {

std::string last_ssl_error() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "unknown reason";
}

tl::unexpected<Error> unusable(const std::string& what, const std::string& file) {
  return fail(
      ErrorCode::kInvalid, what + " " + file + " can't be used: " + last_ssl_error(),
      "give PEM files that this user can read: the certificate with its chain, and its unencrypted key");
}

// Without this OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11 - 1, in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

void SslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}
void SslDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<SslContextPtr> make_tls_context(const TlsFiles& files) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(ErrorCode::kInternal, "cannot make a TLS context: " + last_ssl_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Our buffers may move between two tries of a write; idle connections give their buffers back.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.cert_file.c_str()) != 1) {
    return unusable("the certificate", files.cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return unusable("the key", files.key_file);
  }
  return context;
}

Result<std::unique_ptr<TlsSource>> TlsSource::open(TlsFiles files) {
  std::unique_ptr<TlsSource> source(new TlsSource(std::move(files)));
  source->seen_ = source->fingerprint();  // before reading: a change in between is seen next time
  auto context = make_tls_context(source->files_);
  if (!context) return fail(context.error());
  source->context_ = std::move(*context);
  return source;
}

std::vector<std::int64_t> TlsSource::fingerprint() const {
  std::vector<std::int64_t> print;
  for (const auto* path : {&files_.cert_file, &files_.key_file}) {
    struct stat info{};
    if (::stat(path->c_str(), &info) != 0) info = {};
    for (const auto value : {static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino),
                             static_cast<std::int64_t>(info.st_size), std::int64_t{info.st_mtim.tv_sec},
                             std::int64_t{info.st_mtim.tv_nsec}, std::int64_t{info.st_ctim.tv_sec},
                             std::int64_t{info.st_ctim.tv_nsec}}) {
      print.push_back(value);
    }
  }
  return print;
}

// Asked per connection and not by a timer: a certificate matters only when somebody connects, and an idle
// server never wakes up.
void TlsSource::reload_if_changed(MonoTime now) {
  constexpr auto kCheckInterval = std::chrono::seconds{1};
  if (checked_ && now - *checked_ < kCheckInterval) return;
  checked_ = now;
  auto print = fingerprint();
  if (print == seen_) return;
  seen_ = std::move(print);
  auto context = make_tls_context(files_);
  if (!context) {
    log::error("the changed TLS files can't be used; the certificate in use stays",
               {{"error", context.error().message}, {"hint", context.error().hint}});
    return;
  }
  context_ = std::move(*context);
  log::info("TLS certificate reloaded", {{"file", files_.cert_file}});
}

SslPtr TlsSource::accept(int fd, MonoTime now) {
  reload_if_changed(now);
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace holdfast::http
