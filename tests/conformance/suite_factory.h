// How a runtime takes part in a suite: under a name, with a bench of its own for each test.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

namespace holdfast::test {

template <typename Bench>
struct SuiteFactory {
  std::string name;
  std::function<std::unique_ptr<Bench>()> make;
};
template <typename Bench>
void PrintTo(const SuiteFactory<Bench>& factory, std::ostream* out) {
  *out << factory.name;
}

}  // namespace holdfast::test
