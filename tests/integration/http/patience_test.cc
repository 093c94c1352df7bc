// Clients that are slow, silent, rude or many.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include "tests/integration/http/fixture.h"
#include "tests/support/support.h"

namespace holdfast::http::test {
namespace {

using holdfast::test::wait_until;
using std::chrono::milliseconds;

class Patience : public WireTest {};
INSTANTIATE_TEST_SUITE_P(Http, Patience, testing::Bool(), wire_name);

TEST_P(Patience, HeadsThatDripAreCutOff) {
  options_.limits.head = milliseconds{200};
  start_wire();
  auto client = connect();
  client.send("GET /hello HTTP/1.1\r\nX: ");
  EXPECT_TRUE(wait_until([&] {  // activity doesn't help
    client.send("x");
    pollfd readable{client.fd(), POLLIN, 0};
    return ::poll(&readable, 1, 0) == 1;
  }));
  const auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  EXPECT_TRUE(client.closed());
}

TEST_P(Patience, BodiesThatStallAreCutOff) {
  options_.limits.body = milliseconds{200};
  start_wire();
  auto client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(client.read_answer()->status, 408);
  EXPECT_TRUE(client.closed());
}

TEST_P(Patience, IdleConnectionsAreClosedSilently) {
  options_.limits.idle = milliseconds{200};
  start_wire();
  auto fresh = connect();
  auto used = connect();
  used.get("/hello");
  EXPECT_EQ(used.read_answer()->status, 200);
  EXPECT_TRUE(used.closed());
  EXPECT_TRUE(fresh.closed());
}

TEST_P(Patience, ASlowReaderHoldsUpNobody) {
  start_wire();
  std::vector<Client> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(connect(kSmallBuffer));
    slow.back().get("/big/20000000");
  }
  for (auto& client : slow) EXPECT_THAT(client.read_until("\r\n\r\n"), testing::HasSubstr("20000000"));
  for (int i = 0; i < 50; ++i) expect_serving();
  expect_resting();  // while 80 MB wait to be read
  EXPECT_EQ(slow[0].read_bytes(20000000), std::string(20000000, 'x'));
}

TEST_P(Patience, AReaderThatStopsIsDropped) {
  options_.limits.write_stall = milliseconds{200};
  start_wire();
  auto client = connect(kSmallBuffer);
  client.get("/big/20000000");
  client.read_until("\r\n\r\n");
  EXPECT_TRUE(wait_until([&] { return server_->stats().connections_open == 0; }));
  EXPECT_LT(client.read_to_end().size(), 20000000u);
}

TEST_P(Patience, ResetsHarmNothing) {
  start_wire();
  for (int i = 0; i < 100; ++i) {
    auto client = connect();
    switch (i % 4) {
      case 0:
        break;
      case 1:
        client.get("/big/5000000");
        break;
      case 2:
        client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nabc");
        break;
      default:
        client.get("/big/5000000");
        client.read_until("\r\n\r\n");
    }
    client.reset();
  }
  expect_serving();
  EXPECT_TRUE(wait_until([&] { return server_->stats().connections_open == 0; }));
  expect_resting();
}

TEST_P(Patience, ThousandsOfConnectionsAreServed) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_cur, 6000u) << "this test needs more open files (ulimit -Hn)";
  start_wire();
  const int count = GetParam() ? 500 : 2500;  // TLS handshakes take their time
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) clients.push_back(connect());
  for (int round = 0; round < 2; ++round) {
    for (auto& client : clients) ASSERT_TRUE(client.get("/hello"));
    for (auto& client : clients) ASSERT_EQ(client.read_answer()->body, "hello\n");
  }
  EXPECT_EQ(server_->stats().connections_open, static_cast<std::uint64_t>(count));
  expect_resting();
  clients.clear();
  EXPECT_TRUE(wait_until([&] { return server_->stats().connections_open == 0; }));
}

class Limited : public ServerTest {};

TEST_F(Limited, SilentTlsClientsBlockNobodyAndAreClosed) {
  options_.limits.handshake = milliseconds{1000};
  start_tls();
  std::vector<Client> silent;
  for (int i = 0; i < 50; ++i) silent.emplace_back(server_->address());
  silent[0].send("\x16");
  expect_serving();
  for (auto& client : silent) EXPECT_TRUE(client.closed());
  EXPECT_TRUE(wait_until([&] { return server_->stats().connections_open == 0; }));
}

TEST_F(Limited, TooManyConnectionsAreTurnedAway) {
  options_.limits.max_connections = 3;
  start();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
    clients.back().get("/hello");
    ASSERT_EQ(clients.back().read_answer()->status, 200);
  }
  auto refused = connect();
  EXPECT_EQ(refused.read_answer()->status, 503);
  EXPECT_EQ(server_->stats().connections_refused, 1u);
  clients.pop_back();
  ASSERT_TRUE(wait_until([&] { return server_->stats().connections_open == 2; }));
  EXPECT_EQ(get("/hello").status, 200);
}

TEST_F(Limited, TheMemoryOfAllBodiesIsBounded) {
  options_.limits.max_body_memory = 1u << 20;
  start();
  auto first = connect();
  first.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" +
             std::string(900'000, 'a'));
  auto second = connect();
  second.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" +
              std::string(900'000, 'a'));
  second.send(std::string(900'000, 'a'));
  const auto answer = second.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  first.reset();
  ASSERT_TRUE(wait_until([&] { return server_->stats().connections_open <= 1; }));
  EXPECT_EQ(fetch("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" +
                  std::string(900'000, 'a'))
                .body,
            "900000");
}

}  // namespace
}  // namespace holdfast::http::test
