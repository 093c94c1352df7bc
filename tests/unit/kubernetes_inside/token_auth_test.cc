// Tokens of the cluster, against reviews that the test answers.
#include "runtimes/kubernetes/inside/token_auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"
#include "tests/unit/kubernetes_inside/hooked_kube.h"

namespace holdfast::kubernetes {
namespace {

using holdfast::test::FakeKube;
using holdfast::test::HookedKube;
using holdfast::test::SimClock;
using holdfast::test::wait_until;
using std::chrono::seconds;
using ::testing::HasSubstr;

class TokenAuthTest : public testing::Test {
 protected:
  TokenAuthTest() {
    way_.on_create = [this](const Resource& resource, const Json& review) {
      return std::optional(answer(resource, review));
    };
  }
  // Tokens are "NAME:VERBS"; others are nobody's.
  Result<Json> answer(const Resource& resource, const Json& review) {
    const std::lock_guard lock(mutex_);
    if (broken_) return fail(*broken_);
    auto status = Json::object();
    const auto& spec = review.at("spec");
    if (resource.plural == kTokenReviews.plural) {
      ++reviews_;
      const auto token = spec.at("token").as_string();
      const auto colon = token.find(':');
      status.set("authenticated", colon != std::string::npos);
      if (colon == std::string::npos) {
        status.set("error", "invalid bearer token");
      } else {
        verbs_[token.substr(0, colon)] = token.substr(colon + 1);
        status.set("user", Json::object({{"username", token.substr(0, colon)},
                                         {"groups", Json::array({"system:authenticated"})}}));
      }
    } else {
      ++access_;
      EXPECT_EQ(spec.at("groups"), Json::array({"system:authenticated"}));
      const auto& what = spec.at("resourceAttributes");
      EXPECT_EQ(what.at("group"), Json("holdfast.dev"));
      EXPECT_EQ(what.at("resource"), Json("services"));
      EXPECT_EQ(what.at("namespace"), Json("ns"));
      const auto& verbs = verbs_[spec.at("user").as_string()];
      status.set("allowed", verbs.find(what.at("verb").as_string()) != std::string::npos);
    }
    return Json::object({{"status", std::move(status)}});
  }
  Result<AccessLevel> level(const std::string& token) {
    const auto identity = auth_.authenticate(token);
    if (!identity) return fail(identity.error());
    return identity->level;
  }

  FakeKube server_;
  HookedKube way_{server_};
  SimClock clock_;
  std::mutex mutex_;
  std::map<std::string, std::string> verbs_;
  std::optional<Error> broken_;
  std::atomic<int> reviews_ = 0, access_ = 0;
  TokenAuth auth_{way_, clock_, {.namespace_ = "ns", .remembered = 4, .at_once = 2}};
};

TEST_F(TokenAuthTest, LevelsFollowTheRules) {
  EXPECT_EQ(level("root:*,get,update"), AccessLevel::kAdmin);
  EXPECT_EQ(level("op:get,update"), AccessLevel::kOperator);
  EXPECT_EQ(level("reader:get"), AccessLevel::kViewer);
  EXPECT_EQ(level("nobody:list"), AccessLevel::kNone);
  EXPECT_EQ(auth_.authenticate("op:get,update")->name, "op");
}

TEST_F(TokenAuthTest, WhatIsNoTokenIsRefused) {
  EXPECT_EQ(level("garbage").error().code, ErrorCode::kPermission);
  EXPECT_EQ(reviews_, 1);
  for (const auto& token : {std::string(), std::string("a b"), std::string("a\nb"), std::string(20000, 'x')})
    EXPECT_EQ(level(token).error().code, ErrorCode::kPermission);
  EXPECT_EQ(reviews_, 1);
}

TEST_F(TokenAuthTest, AnswersCountForAWhile) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(level("reader:get"), AccessLevel::kViewer);
  EXPECT_EQ(reviews_, 1);
  EXPECT_EQ(access_, 3);
  clock_.advance(seconds{59});
  EXPECT_TRUE(level("reader:get"));
  EXPECT_EQ(reviews_, 1);
  clock_.advance(seconds{1});
  EXPECT_TRUE(level("reader:get"));
  EXPECT_EQ(reviews_, 2);
  EXPECT_FALSE(level("garbage"));
  EXPECT_EQ(level("nobody:"), AccessLevel::kNone);
  clock_.advance(seconds{9});
  EXPECT_FALSE(level("garbage"));
  EXPECT_EQ(level("nobody:"), AccessLevel::kNone);
  EXPECT_EQ(reviews_, 4);
  clock_.advance(seconds{1});
  EXPECT_FALSE(level("garbage"));
  EXPECT_EQ(level("nobody:"), AccessLevel::kNone);
  EXPECT_EQ(reviews_, 6);
}

TEST_F(TokenAuthTest, NobodyIsLetInWhenNobodyCanTell) {
  broken_ = Error{ErrorCode::kUnavailable, "the API server can't be reached", ""};
  EXPECT_EQ(level("root:*").error().code, ErrorCode::kUnavailable);
  broken_ = Error{ErrorCode::kPermission, "not allowed to create tokenreviews", "a rule"};
  const auto refused = level("root:*");
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);  // not the caller's fault
  EXPECT_THAT(refused.error().message, HasSubstr("not allowed to create tokenreviews"));
  EXPECT_EQ(refused.error().hint, "a rule");
  broken_.reset();
  EXPECT_EQ(level("root:*"), AccessLevel::kAdmin);  // at once
  broken_ = Error{ErrorCode::kUnavailable, "the API server can't be reached", ""};
  EXPECT_EQ(level("root:*"), AccessLevel::kAdmin);
  clock_.advance(seconds{60});
  EXPECT_EQ(level("root:*").error().code, ErrorCode::kUnavailable);
}

TEST_F(TokenAuthTest, OneQuestionServesAllWhoAskTheSame) {
  std::atomic<bool> held = true;
  std::atomic<int> asked = 0;
  way_.before = [&] {
    ++asked;
    held.wait(true);
  };
  std::atomic<int> good = 0;
  std::vector<std::jthread> callers;
  for (int i = 0; i < 6; ++i) callers.emplace_back([&] { good += level("reader:get").has_value() ? 1 : 0; });
  std::jthread second([&] { (void)level("op:update"); });
  EXPECT_TRUE(wait_until([&] { return asked == 2; }));
  EXPECT_THAT(level("third:get").error().message, HasSubstr("too many"));
  held = false;
  held.notify_all();
  callers.clear();
  second.join();
  EXPECT_EQ(good, 6);
  way_.before = {};
  const int before = reviews_;
  EXPECT_TRUE(level("reader:get"));
  EXPECT_EQ(reviews_, before);
}

TEST_F(TokenAuthTest, RemembersSoManyAndNoMore) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(level("user" + std::to_string(i) + ":get"));
    clock_.advance(seconds{1});
  }
  EXPECT_TRUE(level("user9:get"));
  EXPECT_EQ(reviews_, 10);
  EXPECT_TRUE(level("user0:get"));
  EXPECT_EQ(reviews_, 11);
}

}  // namespace
}  // namespace holdfast::kubernetes
