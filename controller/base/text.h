// Text that more than one room makes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// Two lower-case digits for each byte.
std::string to_hex(std::span<const unsigned char> bytes);

std::string join(const std::vector<std::string>& items, std::string_view separator);

}  // namespace holdfast
