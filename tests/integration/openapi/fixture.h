// The whole API on a real server, over a control plane in memory; every answer is held against the
// description.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http/server.h"
#include "api/streaming/facade.h"
#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "tests/fakes/fake_control_plane.h"
#include "tests/integration/openapi/check/description.h"
#include "tests/integration/openapi/http_client.h"
#include "tests/support/support.h"

namespace holdfast::test {

class OpenapiTest : public testing::Test {
 protected:
  OpenapiTest();
  ~OpenapiTest() override;
  void serve(http::Options options = {});

  // Sends JSON where there is a body and no other type is given. Fails the test if the description doesn't
  // agree.
  HttpAnswer call(const std::string& method, const std::string& target, const std::string& body = {},
                  std::vector<std::string> headers = {});
  void expect(int status, const std::string& method, const std::string& target, const std::string& body = {},
              const std::vector<std::string>& headers = {});
  HttpAnswer get(const std::string& target, const std::vector<std::string>& headers = {}) {
    return call("GET", target, {}, headers);
  }
  // The stream until its text contains `until`.
  std::string stream(const std::string& target, const std::string& until,
                     std::vector<std::string> headers = {});
  [[nodiscard]] std::string url(const std::string& target) const {
    return "http://" + server_->address() + target;
  }

  SystemClock clock_;
  TempDir dir_;
  FakeControlPlane plane_{clock_};
  streaming::Facade facade_;
  std::vector<http::Route> routes_;
  Description description_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace holdfast::test
