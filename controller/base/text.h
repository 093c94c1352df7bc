// Text that more than one room makes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// Two lower-case digits for each byte.
std::string to_hex(std::span<const unsigned char> bytes);

// Percent-encodes all but RFC 3986's unreserved characters and those in `keep`.
std::string percent_encode(std::string_view text, std::string_view keep = {});

std::string join(const std::vector<std::string>& items, std::string_view separator);

}  // namespace holdfast
