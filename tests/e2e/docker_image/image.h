// The image of docker/Dockerfile, in an engine of the test's own.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/docker_world/docker_world.h"

namespace holdfast::test {

// With the image as "holdfast", and debian:bookworm-slim. The test fails if it can't be built.
class EngineWithImage : public testing::Test {
 protected:
  void SetUp() override;
  std::string docker(const std::vector<std::string>& arguments) const {
    return engine_.engine().docker_ok(arguments);
  }

  PrivateEngine engine_;
};

}  // namespace holdfast::test
