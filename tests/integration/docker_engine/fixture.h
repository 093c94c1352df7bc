// A client of a real engine, and the containers that a test leaves behind.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "controller/base/clock.h"
#include "runtimes/docker/engine/engine_client.h"

namespace holdfast::docker {

// The engine is told by HOLDFAST_TEST_DOCKER ("unix:///..."), the image by HOLDFAST_TEST_IMAGE.
class RealEngine : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  static std::string image();
  // A name of this test's own, for a container that is killed and removed at the end.
  std::string name(const std::string& suffix = {});
  static CreateSpec shell(const std::string& script);
  // Creates and starts one that runs the script.
  std::string run(const std::string& script);
  Container inspected(const std::string& container);
  bool exited(const std::string& container);
  [[nodiscard]] std::string label() const { return "holdfast-test=" + prefix_; }
  CreateSpec labelled(CreateSpec spec) const;

  SystemClock clock_;
  Endpoint endpoint_;
  std::unique_ptr<Client> client_;

 private:
  std::string prefix_;
  std::vector<std::string> names_;
};

}  // namespace holdfast::docker
