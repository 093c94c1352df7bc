// "Did you mean": the known name that is nearest to a mistyped one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

// By edits (insert, delete, replace, swap of neighbours), without regard to case; nothing if all are too far.
std::optional<std::string_view> nearest(std::string_view name, const std::vector<std::string_view>& known);

// "; did you mean 'replicas'?", or "; known are a, b, c", or nothing if there are none or too many to list.
std::string suggestion(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace holdfast::config
