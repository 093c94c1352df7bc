// The engine that the tests of this folder talk to, through the real `docker` command.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtimes/docker/cli/cli_client.h"

namespace holdfast::docker {

// HOLDFAST_TEST_DOCKER holds the address of an engine of the tests' own, HOLDFAST_TEST_IMAGE an image there
// with /bin/sh. Removes the containers that a test has made.
class EngineTest : public testing::Test {
 protected:
  static constexpr auto kLong = std::chrono::minutes{2};  // a deadline that isn't meant to pass

  void SetUp() override;
  void TearDown() override;

  // A name of this test's own; the container is removed at the end.
  std::string name(const std::string& suffix = "");
  CreateSpec shell(const std::string& script);  // `sh -c script`
  // Makes and starts it.
  std::string run(const std::string& script, const std::string& suffix = "");
  Container look(const std::string& container);  // fails the test if there is none
  void wait_for_status(const std::string& container, const std::string& status);
  std::string log_of(const std::string& container);  // its lines, each with a newline

  CliOptions options();
  Client& client() { return *client_; }

  SystemClock clock_;
  std::string image_;

 private:
  std::string socket_;
  std::unique_ptr<Client> client_;
  std::vector<std::string> names_;
};

}  // namespace holdfast::docker
