#include "api/auth/secret.h"

#include <array>
#include <span>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "controller/base/text.h"

namespace holdfast::auth {
Result<std::string> random_hex(size_t bytes) {
  std::vector<unsigned char> buffer(bytes);
  if (RAND_bytes(buffer.data(), static_cast<int>(bytes)) != 1)
    return fail(ErrorCode::kInternal, "the system gives no random bytes");
  return to_hex(buffer);
}

std::string sha256_hex(std::string_view salt, std::string_view secret) {
  const std::string text = std::string(salt) + std::string(secret);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  // Without a digest the result is empty, and an empty hash never matches (see the length check of the file).
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) return {};
  return to_hex(std::span(digest).first(length));
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace holdfast::auth
