#include "tests/unit/api_v1/fixture.h"

namespace holdfast::api {
namespace {

using http::Method;
using testing::HasSubstr;

class Verbs : public ApiTest {
 protected:
  void SetUp() override { plane_.set_service(test::running_service("web", clock_)); }
  Json service() { return json(get("/api/v1/services/web")); }
};

TEST_F(Verbs, AreAcceptedAndSayWhereToLook) {
  const auto response = post("/api/v1/services/web/stop");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(json(response), *parse_json(R"({"operation": {"verb": "stop", "service": "web", "changed": true,
                                                            "status": "/api/v1/services/web"}})"));
  EXPECT_EQ(service().at("phase"), Json("Stopped"));
  const auto again = post("/api/v1/services/web/stop");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(json(again).at("operation").at("changed"), Json(false));
  ASSERT_EQ(plane_.commands().size(), 2u);
  EXPECT_EQ(plane_.commands()[0].verb, Verb::kStop);
  EXPECT_EQ(plane_.commands()[0].actor.name, "tester");
  EXPECT_EQ(plane_.commands()[0].actor.from, "127.0.0.1:5000");
}

TEST_F(Verbs, WaitAnswersWhenSettled) {
  plane_.settle_at_once = false;
  const auto answer = begin(Method::kPost, "/api/v1/services/web/restart?wait=30s");
  EXPECT_FALSE(answer->response());
  plane_.settle("web");
  ASSERT_TRUE(answer->response());
  EXPECT_EQ(answer->response()->status, 200);
  const Json body = json(*answer->response());
  EXPECT_EQ(body.at("operation").at("outcome"), Json("done"));
  EXPECT_EQ(body.at("service").at("phase"), Json("Running"));
}

TEST_F(Verbs, WaitSaysWhatIsPendingWhenTimeIsOver) {
  plane_.settle_at_once = false;
  const auto answer = begin(Method::kPost, "/api/v1/services/web/restart?wait=250ms");
  plane_.change_service("web", [](ServiceStatus& status) { status.waiting_for = {"db"}; });
  plane_.expire_waiting("web");
  ASSERT_TRUE(answer->response());
  EXPECT_EQ(answer->response()->status, 202);
  const Json operation = json(*answer->response()).at("operation");
  EXPECT_EQ(operation.at("outcome"), Json("pending"));
  EXPECT_EQ(operation.at("pending"), Json("phase Starting: waits for db"));
}

TEST_F(Verbs, SettledInFailureIsNoSuccess) {
  plane_.settle_at_once = false;
  const auto answer = begin(Method::kPost, "/api/v1/services/web/restart?wait=30s");
  plane_.change_service("web", [this](ServiceStatus& status) {
    status.phase = "Failed";
    status.settled = true;
    status.conditions = {{"Failed", Condition::Status::kTrue, "BudgetUsedUp", "exit code 3, 10 times in 10m",
                          clock_.wall(), 1}};
  });
  ASSERT_TRUE(answer->response());
  EXPECT_EQ(answer->response()->status, 200);
  const Json operation = json(*answer->response()).at("operation");
  EXPECT_EQ(operation.at("outcome"), Json("failed"));
  EXPECT_EQ(operation.at("message"), Json("exit code 3, 10 times in 10m"));
}

TEST_F(Verbs, AServiceThatIsRemovedMeanwhileIsReported) {
  plane_.settle_at_once = false;
  const auto answer = begin(Method::kPost, "/api/v1/services/web/stop?wait=30s");
  plane_.remove_service("web");
  ASSERT_TRUE(answer->response());
  EXPECT_EQ(json(*answer->response()).at("operation").at("outcome"), Json("removed"));
}

TEST_F(Verbs, StoppingSettlesInStopped) {
  const auto response = post("/api/v1/services/web/stop?wait=1m");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json(response).at("operation").at("outcome"), Json("done"));
}

TEST_F(Verbs, ABadWaitDoesNothing) {
  for (const char* bad : {"", "30", "s", "-1s", "111s", "2h", "1e9s", "nans", "infs", "30s ", "1s1", "0x1s",
                          "9999999999999999999h"}) {
    const auto response = post("/api/v1/services/web/stop?wait=" + std::string(bad));
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_THAT(json(response).at("detail").as_string(), HasSubstr("110s")) << bad;
  }
  EXPECT_TRUE(plane_.commands().empty());
  for (const char* good : {"0s", "250ms", "1.5s", "1m30s", "110s"})
    EXPECT_EQ(post("/api/v1/services/web/start?wait=" + std::string(good)).status, 200) << good;
}

TEST_F(Verbs, ARefusalIsPassedOn) {
  plane_.on_command = [](const std::string&, Verb, const Actor&) {
    return std::optional<Result<VerbResult>>(
        fail(ErrorCode::kUnavailable, "the state can't be written", "free space"));
  };
  const auto response = post("/api/v1/services/web/start?wait=30s");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(json(response).at("hint"), Json("free space"));
}

TEST_F(Verbs, AHeartbeatIsNoted) {
  const auto response = post("/api/v1/services/web/heartbeat");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json(response), *parse_json(R"({"name": "web", "at": "2026-01-01T00:00:00.000000Z"})"));
  EXPECT_EQ(service().at("lastHeartbeat"), Json("2026-01-01T00:00:00.000000Z"));
}

}  // namespace
}  // namespace holdfast::api
