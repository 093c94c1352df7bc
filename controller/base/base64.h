// RFC 4648.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

std::string base64_encode(std::string_view bytes);                // section 4, padded
std::string base64url_encode(std::string_view bytes);             // section 5, padded
std::optional<std::string> base64_decode(std::string_view text);  // section 4, with or without padding

}  // namespace holdfast
