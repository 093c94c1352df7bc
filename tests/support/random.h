// A small seeded generator for histories: the same seed gives the same history everywhere, unlike the
// distributions of the standard library.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "controller/base/clock.h"

namespace holdfast::test {

// SplitMix64. Not thread-safe.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // From low to high, both included.
  int between(int low, int high) {
    return low + static_cast<int>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(int n) { return between(1, n) == 1; }
  // Spread over the orders of magnitude between the two: short and long ones are equally common.
  Duration span(Duration low, Duration high) {
    Duration top = low;
    while (top < high && !one_in(6)) top *= 2;
    top = top < high ? top : high;
    return low +
           Duration{static_cast<Duration::rep>(next() % static_cast<std::uint64_t>((top - low).count() + 1))};
  }

 private:
  std::uint64_t state_;
};

// The number in the environment variable, or the default: to repeat one history or to run more of them.
inline std::uint64_t number_from_env(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace holdfast::test
