#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/assert_ok.h"
#include "tests/support/docker_bench/docker_bench.h"

namespace holdfast::test {

class DockerTest : public testing::Test {
 protected:
  void SetUp() override { bench_.make_adapter(); }
  Runtime& runtime() { return bench_.runtime(); }
  std::string name(const std::string& service, int ordinal = 0) { return bench_.container(service, ordinal); }
  void start_running(const ServiceSpec& spec) {
    ASSERT_OK(bench_.start(spec));
    ASSERT_TRUE(bench_.reaches(spec.name, Phase::kRunning));
    bench_.forget();
  }
  bool is_told(const std::string& service) {
    return wait_until([&] { return bench_.told(service); });
  }
  bool exists(const std::string& container) {
    const auto seen = bench_.client().inspect(container);
    return seen && seen->has_value();
  }

  DockerBench bench_;
};

inline ServiceSpec runs_on(const std::string& name) {
  return DockerBench::shell(name, kRunsOnScript);
}

}  // namespace holdfast::test
