// Events on the fake API server.
#include "runtimes/kubernetes/inside/event_recorder.h"

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
using std::chrono::milliseconds;

class EventRecorderTest : public testing::Test {
 protected:
  EventRecorderTest() {
    auto web = Json::object();
    web.set("metadata", Json::object({{"name", "web"}, {"namespace", "ns"}}));
    uid_ = server_.put(kDeployments, web).at("metadata").at("uid").as_string();
    options_.instance = "holdfast-0";
    options_.locate = [](const std::string& service) -> std::optional<EventObject> {
      if (service == "elsewhere") return std::nullopt;
      if (service.empty()) return EventObject{"v1", "Pod", "ns", "holdfast-0", "uid-of-pod"};
      return EventObject{"apps/v1", "Deployment", "ns", service, ""};
    };
    options_.retry_initial = milliseconds{1};
    options_.retry_max = milliseconds{2};
    options_.attempts = 100000;
  }
  void begin() { recorder_ = std::make_unique<EventRecorder>(way_, clock_, options_); }
  void record(const std::string& service, const std::string& message,
              const std::string& severity = "warning") {
    recorder_->record({.at = clock_.wall(),
                       .service = service,
                       .type = "Exited",
                       .severity = severity,
                       .message = message});
  }
  void flush() { EXPECT_TRUE(recorder_->flush(std::chrono::minutes{1})); }
  std::vector<Json> events() {
    std::vector<Json> found;
    (void)server_.list(kEvents, {.namespace_ = "ns"}, [&](Json event) { found.push_back(std::move(event)); },
                       {}, {});
    return found;
  }

  FakeKube server_;
  HookedKube way_{server_};
  SimClock clock_;
  std::string uid_;
  EventRecorder::Options options_;
  std::unique_ptr<EventRecorder> recorder_;
};

TEST_F(EventRecorderTest, WritesWhatHappensToServicesAndToItself) {
  begin();
  record("web", "it went away");
  record("", "it is tired", "info");
  record("elsewhere", "nobody's business");
  flush();
  auto found = events();
  ASSERT_EQ(found.size(), 2u);
  if (found[0].at("involvedObject").at("kind") == Json("Pod")) std::swap(found[0], found[1]);
  EXPECT_EQ(found[0].at("involvedObject").at("uid").as_string(), uid_);
  EXPECT_EQ(found[0].at("reason"), Json("Exited"));
  EXPECT_EQ(found[0].at("type"), Json("Warning"));
  EXPECT_EQ(found[1].at("involvedObject").at("uid"), Json("uid-of-pod"));
  EXPECT_EQ(found[1].at("type"), Json("Normal"));
  EXPECT_EQ(recorder_->stats().written, 2u);
}

TEST_F(EventRecorderTest, CountsEqualOnes) {
  begin();
  for (int i = 0; i < 3; ++i) record("web", "it went away");
  flush();
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events().front().at("count"), Json(3));
  server_.erase(kEvents, "ns", events().front().at("metadata").at("name").as_string());
  record("web", "it went away");  // its Event has expired
  flush();
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events().front().at("count"), Json(1));
  EXPECT_EQ(server_.count("get deployments"), 1u);  // the uid is remembered
}

TEST_F(EventRecorderTest, WaitsForAServerThatDoesNotAnswer) {
  server_.set_unreachable(true);
  begin();
  record("web", "one");
  record("web", "two");
  EXPECT_TRUE(wait_until([&] { return recorder_->error().has_value(); }));
  EXPECT_EQ(recorder_->error()->code, ErrorCode::kUnavailable);
  server_.set_unreachable(false);
  flush();
  EXPECT_EQ(events().size(), 2u);
  EXPECT_FALSE(recorder_->error());
}

TEST_F(EventRecorderTest, OneThatAlwaysFailsDoesNotHoldUpTheOthers) {
  options_.attempts = 3;
  server_.fail_next("create", "events", {ErrorCode::kUnavailable, "a webhook failed", {}}, 3);
  begin();
  record("web", "one");
  record("web", "two");
  flush();
  EXPECT_EQ(events().size(), 1u);
  EXPECT_EQ(recorder_->stats().failed, 1u);
}

TEST_F(EventRecorderTest, AnAnswerThatWasLostMakesNoSecondEvent) {
  way_.loses_answers = true;
  options_.locate = [](const std::string&) { return EventObject{"v1", "Pod", "ns", "p", "u"}; };
  begin();
  record("web", "one");
  EXPECT_TRUE(wait_until([&] { return server_.count("create events") > 2; }));
  EXPECT_EQ(events().size(), 1u);
}

TEST_F(EventRecorderTest, WhatIsRefusedIsCountedAndTold) {
  server_.fail_next("create", "events", {ErrorCode::kPermission, "not allowed to create events", "a rule"});
  begin();
  record("web", "one");
  flush();
  EXPECT_EQ(recorder_->stats().failed, 1u);
  ASSERT_TRUE(recorder_->error());
  EXPECT_EQ(recorder_->error()->hint, "a rule");
  record("web", "one");
  flush();
  EXPECT_EQ(events().size(), 1u);
}

TEST_F(EventRecorderTest, NeverBlocksAndDropsWhatIsTooMuch) {
  std::atomic<bool> stuck = true;
  way_.before = [&] { stuck.wait(true); };
  options_.queue = 3;
  begin();
  for (int i = 0; i < 10; ++i) record("web", "n" + std::to_string(i));
  EXPECT_EQ(recorder_->stats().dropped, 7u);
  EXPECT_FALSE(recorder_->flush(milliseconds{1}));
  stuck = false;
  stuck.notify_all();
  flush();
  EXPECT_EQ(events().size(), 3u);
  options_.queue = 1000;
  begin();
  for (int i = 0; i < 40; ++i) record("web", "m" + std::to_string(i));
  flush();
  EXPECT_EQ(recorder_->stats().dropped, 15u);  // all about one object
}

TEST_F(EventRecorderTest, EndsWhileTheServerDoesNotAnswer) {
  server_.set_unreachable(true);
  options_.retry_initial = options_.retry_max = std::chrono::hours{1};
  begin();
  record("web", "one");
  EXPECT_TRUE(wait_until([&] { return recorder_->error().has_value(); }));
  recorder_.reset();
}

}  // namespace
}  // namespace holdfast::kubernetes
