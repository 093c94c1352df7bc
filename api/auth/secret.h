// Random bytes, hashes and their texts. Not for others than api/auth.
#pragma once

#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace holdfast::auth {

Result<std::string> random_hex(size_t bytes);
std::string sha256_hex(std::string_view salt, std::string_view secret);
// Takes the same time wherever the texts differ; their length is no secret.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace holdfast::auth
