// Event streams and answers that come later.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/http/fixture.h"
#include "tests/support/support.h"

namespace holdfast::http::test {
namespace {

using holdfast::test::wait_until;
using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;

class Streams : public WireTest {};
INSTANTIATE_TEST_SUITE_P(Http, Streams, testing::Bool(), wire_name);

TEST_P(Streams, DeliverInOrderUntilClosed) {
  stream_opening_ = "data: snapshot\n\n";
  start_wire();
  auto client = connect();
  client.get("/events");
  const auto head = client.read_until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(client.read_until("snapshot\n\n"), ":\n\ndata: snapshot\n\n");
  const auto stream = take_stream();
  EXPECT_EQ(server_->stats().streams_open, 1u);
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const auto event = "id: " + std::to_string(i) + "\ndata: x\n\n";
    expected += event;
    ASSERT_TRUE(stream->send(event));
  }
  EXPECT_EQ(client.read_until("id: 999\ndata: x\n\n"), expected);
  stream->send("data: last\n\n");
  stream->close();
  EXPECT_FALSE(stream->send("data: late\n\n"));
  EXPECT_EQ(client.read_to_end(), "data: last\n\n");
  EXPECT_TRUE(wait_until([&] { return streams_closed_.load() == 1; }));
  EXPECT_TRUE(wait_until([&] { return server_->stats().streams_open == 0; }));
}

TEST_P(Streams, ALargeSnapshotIsDeliveredWhole) {
  stream_opening_ = "data: " + std::string(3u << 20, 's') + "\n\n";
  options_.limits.max_stream_backlog = 4096;
  start_wire();
  auto client = connect(kSmallBuffer);
  client.get("/events");
  const auto stream = take_stream();
  ASSERT_TRUE(stream->send("data: after\n\n"));  // though the snapshot is unread
  EXPECT_THAT(client.read_until("data: after\n\n"), EndsWith(stream_opening_ + "data: after\n\n"));
}

TEST_P(Streams, AClientThatDoesNotReadIsDroppedAndOthersAreNot) {
  options_.limits.max_stream_backlog = 64u << 10;
  start_wire();
  auto lazy = connect(kSmallBuffer);
  lazy.get("/events");
  const auto lazy_stream = take_stream();
  auto eager = connect();
  eager.get("/events");
  const auto eager_stream = take_stream();
  eager.read_until(":\n\n");
  const std::string event = "data: " + std::string(8000, 'e') + "\n\n";
  bool dropped = false;
  for (int i = 0; i < 100'000 && !dropped; ++i) {
    dropped = !lazy_stream->send(event);
    ASSERT_TRUE(eager_stream->send(event));
    ASSERT_EQ(eager.read_until("\n\n"), event);
  }
  EXPECT_TRUE(dropped);
  EXPECT_TRUE(wait_until([&] { return streams_closed_.load() == 1; }));
  ASSERT_TRUE(eager_stream->send("data: still here\n\n"));
  EXPECT_EQ(eager.read_until("\n\n"), "data: still here\n\n");
}

TEST_P(Streams, QuietStreamsGetHeartbeats) {
  options_.limits.stream_heartbeat = milliseconds{20};
  start_wire();
  auto client = connect();
  client.get("/events");
  client.read_until("\r\n\r\n");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.read_until(":\n\n"), ":\n\n");
}

TEST_P(Streams, ADepartureIsNoticed) {
  start_wire();
  auto left = std::make_unique<Client>(connect());
  left->get("/events");
  const auto stream = take_stream();
  left.reset();
  EXPECT_TRUE(wait_until([&] { return streams_closed_.load() == 1; }));
  EXPECT_FALSE(stream->send("data: x\n\n"));
  stream->close();
}

TEST_P(Streams, MayBeRefused) {
  start_wire();
  auto client = connect();
  client.get("/events?refuse");
  const auto answer = client.read_answer();
  EXPECT_EQ(answer->status, 409);
  EXPECT_EQ(answer->body, "no");
  client.get("/hello");
  EXPECT_EQ(client.read_answer()->body, "hello\n");
  EXPECT_EQ(streams_closed_.load(), 0);
}

TEST_P(Streams, AreNotMixedUpWhileClientsComeAndGo) {
  start_wire();
  constexpr int kClients = 20;
  std::atomic<bool> done{false};
  std::vector<Client> clients;
  std::vector<std::shared_ptr<EventStream>> streams;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(connect());
    clients.back().get("/events");
    streams.push_back(take_stream());
  }
  std::thread publisher([&] {
    while (!done.load()) {
      for (int i = 0; i < kClients; ++i) {
        streams[static_cast<size_t>(i)]->send("data: for " + std::to_string(i) + "\n\n");
      }
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 40; ++i) EXPECT_EQ(get("/hello").body, "hello\n");  // file descriptors are used again
  for (int i = 0; i < kClients; i += 2) clients[static_cast<size_t>(i)].reset();
  for (int i = 0; i < 40; ++i) EXPECT_EQ(get("/item/only-mine").body, "only-mine");
  for (int i = 1; i < kClients; i += 2) {
    auto& client = clients[static_cast<size_t>(i)];
    const auto mine = "data: for " + std::to_string(i) + "\n\n";
    client.read_until(mine);
    for (int n = 0; n < 20; ++n) ASSERT_EQ(client.read_until("\n\n"), mine);
  }
  done = true;
  publisher.join();
}

class Deferred : public WireTest {};
INSTANTIATE_TEST_SUITE_P(Http, Deferred, testing::Bool(), wire_name);

TEST_P(Deferred, AnswersComeWhenTheyAreReady) {
  start_wire();
  auto client = connect();
  client.get("/later");
  client.get("/hello");  // waits its turn
  const auto responder = take_responder();
  expect_serving();
  std::thread([&] { responder->respond(text_response("now\n", 202)); }).join();
  responder->respond(text_response("again\n"));
  EXPECT_EQ(client.read_answer()->body, "now\n");
  EXPECT_EQ(client.read_answer()->body, "hello\n");
}

TEST_P(Deferred, LateAnswersGoNowhere) {
  options_.limits.deferred = milliseconds{50};
  start_wire();
  auto client = connect();
  client.get("/later");
  EXPECT_EQ(client.read_answer()->status, 504);
  take_responder()->respond(text_response("too late"));
  client.get("/hello");
  EXPECT_EQ(client.read_answer()->body, "hello\n");
}

TEST_P(Deferred, AClientThatLeftIsNotMissed) {
  start_wire();
  auto client = connect();
  client.send("POST /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto responder = take_responder();
  client.reset();
  EXPECT_TRUE(wait_until([&] { return server_->stats().connections_open == 0; }));
  responder->respond(text_response("nobody reads this"));
  EXPECT_TRUE(wait_until([&] {  // what was done is on record nevertheless
    const std::lock_guard lock(mutex_);
    return audits_ == std::vector<std::string>{"POST /later 200 anonymous"};
  }));
  expect_serving();
}

TEST_P(Deferred, AHalfClosedClientIsAnswered) {
  start_wire();
  auto client = connect();
  client.get("/later");
  client.finish_sending();
  take_responder()->respond(text_response("patience\n"));
  EXPECT_EQ(client.read_answer()->body, "patience\n");
  EXPECT_TRUE(client.closed());
}

TEST_P(Deferred, AHandlerThatForgetsToAnswerFails) {
  start_wire();
  EXPECT_EQ(get("/dropped").status, 500);
}

}  // namespace
}  // namespace holdfast::http::test
