#include "tests/unit/api_v1/fixture.h"

namespace holdfast::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventStreams : public ApiTest {
 protected:
  void SetUp() override {
    plane_.set_service(test::running_service("db", clock_));
    plane_.set_service(test::running_service("web", clock_));
  }
  void touch(const std::string& name) {
    plane_.change_service(name, [](ServiceStatus& status) { status.ready = !status.ready; });
  }
  void happen(const std::string& service) {
    Event event;
    event.service = service;
    event.type = "Started";
    plane_.add_event(event);
  }
  static http::Headers resuming(const std::string& id) {
    return {{"accept", "text/event-stream"}, {"last-event-id", id}};
  }
};

TEST_F(EventStreams, BeginWithASnapshotAndFollow) {
  const auto opened = open("/api/v1/events");
  EXPECT_FALSE(opened.refusal);
  EXPECT_THAT(opened.stream->events(), ElementsAre("service db", "service web", "snapshot-end"));
  EXPECT_EQ(opened.stream->messages()[2].data, *parse_json(R"({"services": ["db", "web"]})"));
  touch("web");
  happen("web");
  plane_.remove_service("db");
  ASSERT_TRUE(plane_.patch_config(Json::object({{"defaults", Json::object()}}), std::nullopt, {}));
  const auto events = opened.stream->events();
  EXPECT_THAT(std::vector(events.begin() + 3, events.end()),
              ElementsAre("service web", "event", "service-removed db", "config"));
  EXPECT_EQ(opened.stream->messages()[3].data.at("ready"), Json(false));
  EXPECT_EQ(opened.stream->messages()[4].data.at("type"), Json("Started"));
}

TEST_F(EventStreams, IdsResumeWithoutAGapAndOnlyAfterAWholeSnapshot) {
  const auto first = open("/api/v1/events");
  const auto snapshot = first.stream->messages();
  EXPECT_EQ(snapshot[0].id, "");
  EXPECT_EQ(snapshot[1].id, "");
  EXPECT_NE(snapshot[2].id, "");
  touch("web");
  touch("db");
  const auto all = first.stream->messages();
  const auto after_snapshot = open("/api/v1/events", resuming(snapshot[2].id));
  EXPECT_THAT(after_snapshot.stream->events(), ElementsAre("service web", "service db"));
  const auto after_web = open("/api/v1/events", resuming(all[3].id));
  EXPECT_THAT(after_web.stream->events(), ElementsAre("service db"));
  EXPECT_EQ(after_web.stream->messages()[0].id, all[4].id);
  const auto up_to_date = open("/api/v1/events?since=" + all[4].id);
  EXPECT_THAT(up_to_date.stream->events(), IsEmpty());
  touch("web");
  EXPECT_THAT(up_to_date.stream->events(), ElementsAre("service web"));
}

TEST_F(EventStreams, AnIdThatIsUnknownOrTooOldGivesASnapshotAgain) {
  const auto first = open("/api/v1/events");
  const std::string id = first.stream->messages()[2].id;
  plane_.held_updates = 1;
  touch("web");
  touch("web");
  touch("web");
  for (const std::string& bad :
       {id, std::string("7"), std::string("other.7"), id + "x", id.substr(0, id.find('.') + 1),
        id + "99999999999999999999", id + "999999", std::string()})
    EXPECT_THAT(open("/api/v1/events", resuming(bad)).stream->events(),
                ElementsAre("service db", "service web", "snapshot-end"))
        << bad;
}

TEST_F(EventStreams, AnotherControllerKnowsNothingOfTheIdsOfThisOne) {
  touch("web");
  const std::string id = open("/api/v1/events").stream->messages()[2].id;
  clock_.advance(std::chrono::milliseconds(1));
  routes_ = routes(plane_, clock_);
  EXPECT_THAT(open("/api/v1/events", resuming(id)).stream->events(),
              ElementsAre("service db", "service web", "snapshot-end"));
}

TEST_F(EventStreams, AnEmptySnapshotEndsToo) {
  plane_.remove_service("db");
  plane_.remove_service("web");
  const auto opened = open("/api/v1/events");
  EXPECT_THAT(opened.stream->events(), ElementsAre("snapshot-end"));
  EXPECT_EQ(opened.stream->messages()[0].data, *parse_json(R"({"services": []})"));
  plane_.set_service(test::running_service("late", clock_));
  EXPECT_THAT(opened.stream->events(), ElementsAre("snapshot-end", "service late"));
}

TEST_F(EventStreams, CanBeOfOneServiceOrOfServicesOnly) {
  const auto web = open("/api/v1/events?service=web");
  const auto services = open("/api/v1/services?watch", {});
  touch("db");
  touch("web");
  happen("db");
  happen("web");
  EXPECT_THAT(web.stream->events(), ElementsAre("service web", "snapshot-end", "service web", "event"));
  EXPECT_THAT(services.stream->events(),
              ElementsAre("service db", "service web", "snapshot-end", "service db", "service web"));
}

TEST_F(EventStreams, EndTheirSubscription) {
  auto opened = open("/api/v1/services", {{"accept", "application/json, text/event-stream;q=0.5"}});
  EXPECT_EQ(plane_.subscriptions(), 1u);
  ASSERT_TRUE(opened.on_close);
  opened.on_close();
  EXPECT_EQ(plane_.subscriptions(), 0u);
}

TEST_F(EventStreams, AHeadRequestOpensNone) {
  const auto response = call(http::Method::kGet, "/api/v1/services");
  EXPECT_EQ(response.content_type, "application/json");
  for (auto& route : routes_) route.method = http::Method::kHead;
  const auto head = call(http::Method::kHead, "/api/v1/events", {}, {{{"accept", "text/event-stream"}}});
  EXPECT_EQ(head.content_type, "text/event-stream");
  EXPECT_EQ(plane_.subscriptions(), 0u);
}

// Publishers and clients at once: every stream sees its snapshot closed once and ids that ascend without a
// hole.
TEST_F(EventStreams, NoUpdateIsLostBetweenSnapshotAndFollow) {
  constexpr int kClients = 10;
  plane_.held_updates = 10;
  std::atomic<int> open_clients = 0, touches = 0;
  std::jthread publisher([&] {
    while (open_clients < kClients) touch(++touches % 2 == 0 ? "web" : "db");
    touch("web");
  });
  std::vector<Opened> clients;
  for (; open_clients < kClients; ++open_clients) {
    const int before = touches;
    while (touches == before) std::this_thread::yield();
    clients.push_back(open("/api/v1/events"));
  }
  publisher.join();
  for (const auto& client : clients) {
    std::uint64_t last = 0;
    int ends = 0;
    for (const auto& message : client.stream->messages()) {
      ends += message.event == "snapshot-end" ? 1 : 0;
      if (message.id.empty()) continue;
      const std::uint64_t sequence = std::stoull(message.id.substr(message.id.find('.') + 1));
      if (last != 0) {
        ASSERT_EQ(sequence, last + 1);
      }
      last = sequence;
    }
    EXPECT_EQ(ends, 1);
    EXPECT_EQ(last, plane_.sequence());
    client.on_close();
  }
}

}  // namespace
}  // namespace holdfast::api
