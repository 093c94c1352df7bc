// Points in time as parameters of the Engine API take them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace holdfast::docker {

// "1767225600.000000042": seconds since the epoch, with nine digits of a fraction.
inline std::string seconds_text(std::int64_t ns) {
  ns = std::max<std::int64_t>(ns, 0);
  const auto fraction = std::to_string(ns % 1'000'000'000);
  return std::to_string(ns / 1'000'000'000) + "." + std::string(9 - fraction.size(), '0') + fraction;
}

}  // namespace holdfast::docker
