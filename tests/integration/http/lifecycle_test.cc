// Addresses, start and stop.
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "controller/base/file.h"
#include "tests/integration/http/fixture.h"
#include "tests/support/support.h"

namespace holdfast::http::test {
namespace {

using holdfast::test::wait_until;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class Addresses : public ServerTest {
 protected:
  Error start_error() {
    auto server = Server::start(options_, {});
    EXPECT_FALSE(server);
    return server ? Error{} : server.error();
  }
};

TEST_F(Addresses, Ipv4WithAPortOfTheSystemsChoice) {
  start();
  EXPECT_THAT(server_->address(), testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  expect_serving();
}

TEST_F(Addresses, Ipv6) {
  options_.listen = "[::1]:0";
  start();
  EXPECT_THAT(server_->address(), testing::StartsWith("[::1]:"));
  expect_serving();
  EXPECT_EQ(fetch("GET /hello HTTP/1.1\r\nHost: " + server_->address() + "\r\n\r\n").status, 200);
}

TEST_F(Addresses, BothFamiliesOnOneListener) {
  options_.listen = "[::]:0";
  start();
  const auto port = server_->address().substr(server_->address().rfind(':'));
  for (const auto& address : {"127.0.0.1" + port, "[::1]" + port}) {
    Client client(address);
    client.send("GET /hello HTTP/1.1\r\nHost: " + address + "\r\n\r\n");
    EXPECT_EQ(client.read_answer()->body, "hello\n") << address;
  }
}

TEST_F(Addresses, UnixSocketsAreForTheirGroupAndGoWithTheServer) {
  const auto path = dir_ / "http.sock";
  options_.listen = "unix:" + path;
  start();
  EXPECT_EQ(server_->address(), options_.listen);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777u, 0660u);
  EXPECT_EQ(fetch("GET /hello HTTP/1.1\r\nHost: anything\r\n\r\n").status, 200);
  server_->stop(seconds{10});
  EXPECT_NE(::stat(path.c_str(), &info), 0);
}

TEST_F(Addresses, AStaleUnixSocketIsReplacedALiveOneIsNot) {
  const auto path = dir_ / "http.sock";
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  options_.listen = "unix:" + path;
  start();
  EXPECT_EQ(start_error().code, ErrorCode::kConflict);
  expect_serving();
}

TEST_F(Addresses, AFileInTheWayIsSpared) {
  const auto path = dir_ / "precious";
  ASSERT_TRUE(write_file_atomically(path, "data"));
  options_.listen = "unix:" + path;
  const auto error = start_error();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, HasSubstr(path));
  EXPECT_EQ(read_file(path), "data");
}

TEST_F(Addresses, TheSocketOfASuccessorIsSpared) {
  const auto path = dir_ / "http.sock";
  options_.listen = "unix:" + path;
  start();
  ASSERT_TRUE(std::filesystem::remove(path));
  ASSERT_TRUE(write_file_atomically(path, "the successor's"));
  server_->stop(seconds{10});
  EXPECT_EQ(read_file(path), "the successor's");
}

TEST_F(Addresses, AnAddressInUseIsAConflictWithAHint) {
  start();
  options_.listen = server_->address();
  const auto error = start_error();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, HasSubstr(server_->address()));
  EXPECT_FALSE(error.hint.empty());
}

TEST_F(Addresses, WrongOnesAreRefused) {
  for (const std::string address :
       {"", "8010", ":8010", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "::1:80", "[::1]",
        "[::1:80", "unix:", "300.1.1.1:80", "203.0.113.77:0"}) {
    options_.listen = address;
    const auto error = start_error();
    EXPECT_EQ(error.code, ErrorCode::kInvalid) << address;
    EXPECT_FALSE(error.hint.empty()) << address;
  }
  options_.listen = "unix:" + (dir_ / std::string(200, 'p'));
  EXPECT_EQ(start_error().code, ErrorCode::kInvalid);
}

class Stopping : public WireTest {};
INSTANTIATE_TEST_SUITE_P(Http, Stopping, testing::Bool(), wire_name);

TEST_P(Stopping, FinishesWhatIsUnderWayAndClosesWhatIsIdle) {
  options_.limits.linger = milliseconds{500};
  start_wire();
  auto idle = connect();
  idle.get("/hello");
  ASSERT_TRUE(idle.read_answer());
  auto deferred = connect();
  deferred.get("/later");
  const auto responder = take_responder();
  auto receiving = connect();
  receiving.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  receiving.read_until("\r\n\r\n");
  auto reading = connect(kSmallBuffer);
  reading.get("/big/3000000");
  reading.read_until("\r\n\r\n");
  auto stream = connect();
  stream.get("/events");
  const auto events = take_stream();
  stream.read_until(":\n\n");

  std::thread stopper([&] { server_->stop(seconds{60}); });
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(stream.read_to_end(), "");
  EXPECT_FALSE(events->send("data: late\n\n"));
  receiving.send("hello");
  const auto echoed = receiving.read_answer();
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->body, "hello");
  EXPECT_EQ(echoed->headers.at("connection"), "close");
  EXPECT_TRUE(receiving.closed());
  responder->respond(text_response("done\n"));
  EXPECT_EQ(deferred.read_answer()->body, "done\n");
  EXPECT_TRUE(deferred.closed());
  EXPECT_EQ(reading.read_to_end().size(), 3000000u);
  for (auto* client : {&idle, &stream, &receiving, &deferred, &reading}) client->reset();
  stopper.join();
  EXPECT_EQ(server_->stats().connections_open, 0u);
  EXPECT_EQ(streams_closed_.load(), 1);
}

TEST_P(Stopping, CutsWhatIsLeftAtGrace) {
  start_wire();
  auto deferred = connect();
  deferred.get("/later");
  const auto responder = take_responder();
  auto partial = connect();
  partial.send("GET /he");
  auto stuck = connect(kSmallBuffer);
  stuck.get("/big/20000000");
  stuck.read_until("\r\n\r\n");
  auto stream = connect();
  stream.get("/events");
  const auto events = take_stream();
  server_->stop(milliseconds{50});
  EXPECT_TRUE(deferred.closed());
  EXPECT_TRUE(partial.closed());
  EXPECT_EQ(server_->stats().connections_open, 0u);
  EXPECT_EQ(streams_closed_.load(), 1);
  responder->respond(text_response("nobody"));  // the server is gone: nothing happens
  EXPECT_FALSE(events->send("data: x\n\n"));
  server_->stop(milliseconds{50});
  server_.reset();
}

TEST_P(Stopping, NewClientsAreNotAccepted) {
  start_wire();
  server_->stop(seconds{10});
  EXPECT_ANY_THROW(std::ignore = connect());
}

TEST_P(Stopping, UnderLoadNoAnswerIsTornApart) {
  start_wire();
  std::atomic<int> answered{0}, torn{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      auto client = connect();
      while (client.get("/big/50000")) {
        const auto head = client.read_until("\r\n\r\n");
        if (head.empty()) return;  // closed between two answers
        const bool last = head.find("Connection: close") != std::string::npos;
        client.read_bytes(50'000).size() == 50'000 ? ++answered : ++torn;
        if (last) return;
      }
    });
  }
  EXPECT_TRUE(wait_until([&] { return answered.load() > 100; }));
  server_->stop(seconds{60});
  for (auto& client : clients) client.join();
  EXPECT_EQ(torn.load(), 0);
}

// Timers of this process that are set, from /proc/self/fdinfo.
int running_timers() {
  int running = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("it_value:") && line.find("(0, 0)") == std::string::npos) ++running;
    }
  }
  return running;
}

class Idle : public ServerTest {};

TEST_F(Idle, AServerWithoutConnectionsSetsNoTimer) {
  options_.limits.idle = milliseconds{100};
  start();
  EXPECT_EQ(running_timers(), 0);
  expect_resting();
  {
    auto client = connect();
    client.get("/hello");
    client.read_answer();
    EXPECT_GE(running_timers(), 1);
  }
  EXPECT_TRUE(wait_until([&] { return server_->stats().connections_open == 0; }));
  EXPECT_TRUE(wait_until([] { return running_timers() == 0; }));  // once more, then never
  expect_resting();
}

}  // namespace
}  // namespace holdfast::http::test
