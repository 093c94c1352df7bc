#include "api/auth/authenticator.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <arpa/inet.h>

#include "controller/base/log.h"

namespace holdfast::auth {
namespace {

// The token of "Bearer TOKEN"; the scheme's case doesn't matter (RFC 9110, section 11.1).
std::optional<std::string> bearer_token(const http::Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const auto header = request.header("authorization");
  if (!header || header->size() <= kScheme.size()) return std::nullopt;
  const bool bearer = std::equal(
      kScheme.begin(), kScheme.end(), header->begin(),
      [](char expected, char given) { return expected == std::tolower(static_cast<unsigned char>(given)); });
  if (!bearer) return std::nullopt;
  const size_t begin = header->find_first_not_of(' ', kScheme.size());
  return begin == std::string::npos ? std::nullopt : std::optional(header->substr(begin));
}

// "host:port" without the port and the brackets of an IPv6 address.
std::string host_of(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return host;
}

bool is_loopback(const std::string& host) {
  constexpr std::uint32_t kLoopbackNet = 127;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == kLoopbackNet;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

}  // namespace

bool FailureLimiter::allow(const std::string& peer) {
  const MonoTime now = clock_.now();
  const std::scoped_lock lock(mutex_);
  auto found = buckets_.find(peer);
  if (found == buckets_.end()) {
    if (buckets_.size() >= settings_.max_peers) make_room();
    found = buckets_.emplace(peer, Bucket{settings_.burst, now}).first;
  }
  Bucket& bucket = found->second;
  const double seconds = std::chrono::duration<double>(now - bucket.at).count();
  bucket.tokens = std::min(settings_.burst, bucket.tokens + seconds * settings_.per_second);
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void FailureLimiter::make_room() {
  const MonoTime now = clock_.now();
  const auto full_again = std::chrono::duration<double>(settings_.burst / settings_.per_second);
  std::erase_if(buckets_, [&](const auto& item) { return now - item.second.at >= full_again; });
  if (buckets_.size() < settings_.max_peers) return;
  const auto oldest = std::min_element(buckets_.begin(), buckets_.end(), [](const auto& a, const auto& b) {
    return a.second.at < b.second.at;
  });
  buckets_.erase(oldest);
}

size_t FailureLimiter::peers() const {
  const std::scoped_lock lock(mutex_);
  return buckets_.size();
}

std::string peer_key(const std::string& peer) {
  std::string host = host_of(peer);
  in6_addr address{};
  if (inet_pton(AF_INET6, host.c_str(), &address) != 1) return host;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return host.substr(host.rfind(':') + 1);
  constexpr size_t kNetworkBytes = 8;
  std::fill(std::begin(address.s6_addr) + kNetworkBytes, std::end(address.s6_addr), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, &address, text.data(), text.size());
  return std::string(text.data()) + "/64";
}

std::function<Result<http::Identity>(const http::Request&)> bearer_authenticator(
    std::shared_ptr<TokenFile> tokens, const Clock& clock, TokenLookup elsewhere) {
  auto limiter = std::make_shared<FailureLimiter>(clock);
  return [tokens = std::move(tokens), limiter,
          elsewhere = std::move(elsewhere)](const http::Request& request) -> Result<http::Identity> {
    const auto token = bearer_token(request);
    if (!token)
      return fail(ErrorCode::kPermission, "this needs a token",
                  "send Authorization: Bearer TOKEN; `holdfast token create` makes one");
    if (auto identity = tokens ? tokens->find(*token) : std::nullopt) return *std::move(identity);
    if (elsewhere) {
      auto found = elsewhere(*token);
      if (!found) return fail(found.error());
      if (*found) return **std::move(found);
    }
    if (!limiter->allow(peer_key(request.peer)))
      return fail(ErrorCode::kConflict, "too many wrong tokens from this address", "wait a few seconds");
    log::warning("wrong token", {{"from", request.peer}, {"request", request.id}});
    return fail(ErrorCode::kPermission, "the token is not valid", "it may have been revoked or cut short");
  };
}

Status check_exposure(const std::string& listen, bool has_auth, bool insecure) {
  if (has_auth || insecure || listen.starts_with("unix:") || is_loopback(host_of(listen))) return {};
  return fail_terminal(
      ErrorCode::kInvalid,
      "controller.listen: " + listen + " can be reached from other machines, and nothing asks who calls",
      "set controller.auth.tokensFile (`holdfast token create` makes the file), listen on 127.0.0.1, or say "
      "--insecure if everyone who can reach it may control your services");
}

}  // namespace holdfast::auth
