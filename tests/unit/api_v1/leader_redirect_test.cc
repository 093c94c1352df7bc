#include "api/v1/leader_redirect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::api {
namespace {

using http::Method;
using http::Request;
using http::Response;
using http::Role;

struct Kept : http::Responder {
  void respond(Response response) override { answer = std::move(response); }
  Response answer;
};

class LeaderRedirect : public testing::Test {
 protected:
  [[nodiscard]] Elsewhere elsewhere() {
    return {.leader = [this] { return elsewhere_; }, .forward = forward_};
  }
  Response ask(Method method, Role role, const Request& request = {}) {
    auto routes = redirect_changes(
        {{method, "/x", role, [](const Request&) { return http::text_response("done here"); }}}, elsewhere());
    if (const auto* handler = std::get_if<http::Handler>(&routes.at(0).handler)) return (*handler)(request);
    const auto kept = std::make_shared<Kept>();
    std::get<http::DeferredHandler>(routes.at(0).handler)(request, kept);
    return kept->answer;
  }
  static std::string header(const Response& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }

  std::optional<Leader> elsewhere_ = Leader{"holdfast-1", "http://10.1.2.3:8010"};
  decltype(Elsewhere::forward) forward_;
};

TEST_F(LeaderRedirect, SendsChangesToTheLeaderWithPathAndQuery) {
  Request request;
  request.path = "/api/v1/services/a b/start";
  request.query = {{"wait", "30s"}, {"note", "a&b"}};
  const auto response = ask(Method::kPost, Role::kOperator, request);
  EXPECT_EQ(response.status, 307);
  EXPECT_EQ(header(response, "Location"),
            "http://10.1.2.3:8010/api/v1/services/a%20b/start?note=a%26b&wait=30s");
  EXPECT_THAT(response.body, testing::HasSubstr("holdfast-1 leads"));
}

TEST_F(LeaderRedirect, AnswersQuestionsItself) {
  EXPECT_EQ(ask(Method::kGet, Role::kAdmin).body, "done here");
  EXPECT_EQ(ask(Method::kPost, Role::kViewer).body, "done here") << "a plan changes nothing";
}

TEST_F(LeaderRedirect, ActsWhenItLeads) {
  elsewhere_ = std::nullopt;
  EXPECT_EQ(ask(Method::kDelete, Role::kAdmin).body, "done here");
}

TEST_F(LeaderRedirect, AsksForPatienceWhileNobodyLeads) {
  elsewhere_ = Leader{};
  const auto response = ask(Method::kPatch, Role::kAdmin);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(header(response, "Retry-After"), "2");
}

TEST_F(LeaderRedirect, PassesChangesOnWhereItCan) {
  std::string passed;
  forward_ = [&](const Leader& leader, const Request&, const std::string& target,
                 const std::shared_ptr<http::Responder>& responder) {
    passed = leader.address + target;
    responder->respond(http::text_response("done there"));
  };
  Request request;
  request.path = "/api/v1/services/web/stop";
  EXPECT_EQ(ask(Method::kPost, Role::kOperator, request).body, "done there");
  EXPECT_EQ(passed, "http://10.1.2.3:8010/api/v1/services/web/stop");
  request.headers = {{kForwardedHeader, "1"}};
  EXPECT_EQ(ask(Method::kPost, Role::kOperator, request).status, 503) << "never in a circle";
  elsewhere_->address = "https://10.1.2.3:8010";
  EXPECT_EQ(ask(Method::kPost, Role::kOperator).status, 307) << "its certificate is not for this address";
}

TEST_F(LeaderRedirect, GuardsDeferredHandlersToo) {
  bool called = false;
  auto routes =
      redirect_changes({{Method::kPost, "/x", Role::kOperator,
                         http::DeferredHandler([&](const Request&, const std::shared_ptr<http::Responder>&) {
                           called = true;
                         })}},
                       elsewhere());
  const auto kept = std::make_shared<Kept>();
  const auto& handler = std::get<http::DeferredHandler>(routes.at(0).handler);
  handler(Request(), kept);
  EXPECT_EQ(kept->answer.status, 307);
  EXPECT_FALSE(called);
  elsewhere_ = std::nullopt;
  handler(Request(), kept);
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace holdfast::api
