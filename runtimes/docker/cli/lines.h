// Text as commands print it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::docker {

std::string_view trimmed(std::string_view text);  // without white space at either end

// Without newlines and white space at either end; empty ones are left out.
std::vector<std::string> lines_of(std::string_view text);

}  // namespace holdfast::docker
