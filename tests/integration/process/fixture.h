// One process runtime, with and without cgroups, and short names for what the tests of it do all the time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/file.h"
#include "tests/support/process_world/process_world.h"

namespace holdfast::test {

class ProcessTest : public testing::Test {
 protected:
  explicit ProcessTest(bool use_cgroups = true) : world_(use_cgroups) {}

  Runtime& runtime() { return world_.runtime(); }
  Status start(ServiceSpec spec, std::uint64_t incarnation = 1) {
    const std::string name = spec.name;
    return runtime().execute(StartInstance{{name, 0}, incarnation, "test"},
                             {std::make_shared<const ServiceSpec>(std::move(spec)), 0});
  }
  Status start(const std::string& name, std::vector<std::string> words, std::uint64_t incarnation = 1) {
    return start(ProcessWorld::spec(name, std::move(words)), incarnation);
  }
  Status signal(const std::string& name, int number, std::uint64_t incarnation = 1) {
    return runtime().execute(SignalInstance{{name, 0}, incarnation, number, "test"}, {});
  }
  Status kill(const std::string& name, std::uint64_t incarnation = 1) {
    return runtime().execute(KillInstance{{name, 0}, incarnation, "test"}, {});
  }
  std::optional<ObservedInstance> observe(const std::string& name) {
    const auto seen = runtime().observe(name);
    EXPECT_TRUE(seen);
    if (!seen || seen->instances.empty()) return std::nullopt;
    return seen->instances[0];
  }
  bool is(const std::string& name, Phase phase) {
    const auto seen = observe(name);
    return seen && seen->phase == phase;
  }
  // Waits for the end; an empty record (with a failure noted) if it doesn't come.
  ExitRecord exit_of(const std::string& name) {
    EXPECT_TRUE(wait_until([&] { return is(name, Phase::kExited); })) << name << " doesn't exit";
    const auto seen = observe(name);
    return seen && seen->exit ? *seen->exit : ExitRecord{};
  }
  std::vector<LogLine> log_lines(const std::string& name, const std::string& stream = "stdout",
                                 size_t tail = 100'000) {
    LogQuery query;
    query.stream = stream;
    query.tail = tail;
    auto lines = runtime().logs()->read(name, query);
    EXPECT_TRUE(lines);
    return lines ? std::move(*lines) : std::vector<LogLine>{};
  }
  std::vector<std::string> texts(const std::string& name, const std::string& stream = "stdout") {
    std::vector<std::string> result;
    for (auto& line : log_lines(name, stream)) result.push_back(std::move(line.text));
    return result;
  }
  bool says(const std::string& name, const std::string& text) {
    return wait_until([&] {
      const auto said = texts(name);
      return std::find(said.begin(), said.end(), text) != said.end();
    });
  }

  ProcessWorld world_;
};

// The same tests over both ways of keeping hold of a tree.
class TreeTest : public ProcessTest, public testing::WithParamInterface<bool> {
 protected:
  TreeTest() : ProcessTest(GetParam()) {}
};
inline std::string tree_name(const testing::TestParamInfo<bool>& param) {
  return param.param ? "cgroups" : "plain";
}

// Living processes whose environment says that they belong to the service of this state dir.
std::vector<pid_t> processes_of(const ProcessWorld& world, const std::string& service);
// The holdfast-shim of the service in this world, 0 if there is none.
pid_t shim_of(const ProcessWorld& world, const std::string& service);

}  // namespace holdfast::test
