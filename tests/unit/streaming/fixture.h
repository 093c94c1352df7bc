// The facade over a control plane in memory, called without a socket.
#pragma once

#include <future>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http/message.h"
#include "api/http/server.h"
#include "api/streaming/facade.h"
#include "api/streaming/view.h"
#include "tests/fakes/fake_control_plane.h"
#include "tests/support/support.h"

namespace holdfast::streaming {

class CapturingResponder final : public http::Responder {
 public:
  void respond(http::Response response) override {
    promise_.set_value(std::move(response));
  }  // throws if twice
  std::future<http::Response> future() { return promise_.get_future(); }

 private:
  std::promise<http::Response> promise_;
};

class StreamingTest : public ::testing::Test {
 protected:
  // The service "streaming" is declared and runs; tests that want files set options_.state_dir first.
  void declare(const Json& parameters = Json::object({{"input_dir", "/in"}, {"max_workers", 4}})) {
    control_.set_base(Json::object({{"services", Json::object({{"streaming", declaration(parameters)}})}}));
  }
  static Json declaration(const Json& parameters) {
    return Json::object({{"command", Json::array({"converter"})}, {"parameters", parameters}});
  }

  Facade& facade() {
    if (!facade_) facade_ = std::make_unique<Facade>(control_, clock_, options_);
    return *facade_;
  }

  std::future<http::Response> begin(http::Method method, const std::string& name,
                                    const std::string& body = {}, http::Role role = http::Role::kAdmin) {
    http::Request request;
    request.method = method;
    request.path = "/api/streaming/" + name;
    request.body = body;
    request.id = "r1";
    request.peer = "test";
    request.identity = {"tester", role};
    for (const auto& route : facade().routes()) {
      if (route.method != method || route.path != request.path) continue;
      if (const auto* handler = std::get_if<http::Handler>(&route.handler)) {
        std::promise<http::Response> done;
        done.set_value((*handler)(request));
        return done.get_future();
      }
      auto responder = std::make_shared<CapturingResponder>();
      auto future = responder->future();
      std::get<http::DeferredHandler>(route.handler)(request, responder);
      return future;
    }
    ADD_FAILURE() << "no route " << request.path;
    return {};
  }
  http::Response call(http::Method method, const std::string& name, const std::string& body = {}) {
    return begin(method, name, body).get();
  }
  static Json json(const http::Response& response) {
    auto parsed = parse_json(response.body);
    EXPECT_TRUE(parsed) << response.body;
    return parsed ? *parsed : Json();
  }
  Json get(const std::string& name) { return json(call(http::Method::kGet, name)); }
  Json post(const std::string& name, const std::string& body = {}) {
    return json(call(http::Method::kPost, name, body));
  }

  std::vector<Verb> verbs() const {
    std::vector<Verb> result;
    for (const auto& command : control_.commands()) result.push_back(command.verb);
    return result;
  }
  void change(const std::function<void(ServiceStatus&)>& function) {
    control_.change_service("streaming", function);
  }

  test::SimClock clock_;
  test::TempDir dir_;
  test::FakeControlPlane control_{clock_};
  FacadeOptions options_{"",
                         [](const std::string&) { return std::nullopt; },
                         {std::chrono::milliseconds{1}, std::chrono::minutes{5}}};
  std::unique_ptr<Facade> facade_;
};

// How a run of the service ends, in the status.
inline ExitRecord exit_with(int code) {
  ExitRecord exit;
  exit.code = code;
  exit.reason = "exit code " + std::to_string(code);
  return exit;
}

}  // namespace holdfast::streaming
