// The routes of version 1 over a control plane in memory, called without a socket.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http/message.h"
#include "api/http/server.h"
#include "api/v1/routes.h"
#include "controller/base/json.h"
#include "tests/fakes/fake_control_plane.h"
#include "tests/support/support.h"

namespace holdfast::api {

// Keeps the answer; more than one is a failure.
class Answer final : public http::Responder {
 public:
  void respond(http::Response response) override {
    EXPECT_FALSE(response_) << "answered twice";
    response_ = std::move(response);
  }
  [[nodiscard]] const std::optional<http::Response>& response() const { return response_; }

 private:
  std::optional<http::Response> response_;
};

// Keeps what is sent, frame by frame.
class Stream final : public http::EventStream {
 public:
  struct Message {
    std::string id, event;
    Json data;
  };
  bool send(std::string event) override {
    if (closed_) return false;
    EXPECT_TRUE(event.ends_with("\n\n")) << event;
    text_ += event;
    return true;
  }
  void close() override { closed_ = true; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] std::vector<Message> messages() const;  // those with an event name
  [[nodiscard]] std::vector<std::string> events()
      const;  // their names, a service's with its name: "service web"

 private:
  std::string text_;
  bool closed_ = false;
};

struct Call {
  http::Headers headers{};
  http::Role role = http::Role::kAdmin;
};

class ApiTest : public testing::Test {
 protected:
  // Target with query: "/api/v1/services/web/start?wait=30s". Deferred handlers have to have answered.
  http::Response call(http::Method method, const std::string& target, const std::string& body = {},
                      const Call& options = {});
  http::Response get(const std::string& target, const Call& options = {}) {
    return call(http::Method::kGet, target, {}, options);
  }
  http::Response post(const std::string& target, const std::string& body = {}, const Call& options = {}) {
    return call(http::Method::kPost, target, body, options);
  }
  std::shared_ptr<Answer> begin(http::Method method, const std::string& target);
  struct Opened {
    std::shared_ptr<Stream> stream;
    std::function<void()> on_close;
    std::optional<http::Response> refusal;
  };
  Opened open(const std::string& target, const http::Headers& headers = {{"accept", "text/event-stream"}});

  http::Request request(http::Method method, const std::string& target, const std::string& body,
                        const Call& options, const http::Route*& route) const;
  static Json json(const http::Response& response);
  static std::string header(const http::Response& response, const std::string& name);

  test::SimClock clock_;
  test::FakeControlPlane plane_{clock_};
  std::vector<http::Route> routes_ = routes(plane_, clock_, {"1.2.3", "abc123"});
};

}  // namespace holdfast::api
