// What ordinary and unusual but correct clients get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/json.h"
#include "tests/integration/http/fixture.h"

namespace holdfast::http::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Requests : public WireTest {
 protected:
  void SetUp() override { start_wire(); }
};
INSTANTIATE_TEST_SUITE_P(Http, Requests, testing::Bool(), wire_name);

TEST_P(Requests, OneConnectionServesManyWithoutAConnectionHeader) {
  auto client = connect();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(client.get("/hello"));
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello\n");
    EXPECT_FALSE(answer->headers.contains("connection"));
    EXPECT_EQ(answer->headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(answer->headers.at("cache-control"), "no-store");
    EXPECT_THAT(answer->headers.at("x-request-id"), testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{8}"));
    EXPECT_THAT(answer->headers.at("date"), HasSubstr(" GMT"));
  }
  EXPECT_EQ(server_->stats().requests, 20u);
  EXPECT_EQ(server_->stats().connections_accepted, 1u);
}

TEST_P(Requests, ConnectionsCloseWhenAsked) {
  auto client = connect();
  client.get("/hello", "Connection: close\r\n");
  EXPECT_EQ(client.read_answer()->headers.at("connection"), "close");
  EXPECT_TRUE(client.closed());
  auto old = connect();
  old.send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read_answer()->body, "hello\n");
  EXPECT_TRUE(old.closed());
  auto persistent = connect();
  for (int i = 0; i < 3; ++i) {
    persistent.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(persistent.read_answer()->headers.at("connection"), "keep-alive");
  }
}

TEST_P(Requests, PipelinedRequestsAreAllAnsweredInOrder) {
  auto client = connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    const auto body = "body " + std::to_string(i);
    requests += "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body + "GET /item/" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  client.send(requests);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.read_answer()->body, "body " + std::to_string(i));
    EXPECT_EQ(client.read_answer()->body, std::to_string(i));
  }
}

TEST_P(Requests, BytesThatArriveWhileAnAnswerWaitsAreServedToo) {
  auto client = connect(kSmallBuffer);
  constexpr int kRounds = 40;
  for (int i = 0; i < kRounds; ++i) {
    client.get("/big/300000");
    client.get("/item/" + std::to_string(i));
  }
  for (int i = 0; i < kRounds; ++i) {
    EXPECT_EQ(client.read_answer()->body.size(), 300000u);
    EXPECT_EQ(client.read_answer()->body, std::to_string(i));
  }
}

TEST_P(Requests, AHalfClosedClientGetsItsAnswers) {
  auto client = connect();
  client.get("/hello");
  client.get("/big/3000000");
  client.finish_sending();
  EXPECT_EQ(client.read_answer()->body, "hello\n");
  EXPECT_EQ(client.read_answer()->body.size(), 3000000u);
  EXPECT_TRUE(client.closed());
}

TEST_P(Requests, ByteByByteIsFine) {
  auto client = connect();
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nabcde\r\n3;x=y\r\nfgh\r\n0\r\nTrailer: t\r\n\r\n";
  for (const char c : request) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.read_answer()->body, "abcdefgh");
}

TEST_P(Requests, AChunkedBodyMaySplitAnywhere) {
  const std::string head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "5\r\nabcde\r\n0\r\n\r\n";
  auto client = connect();
  for (size_t split = 0; split < body.size(); ++split) {  // between CR and LF too
    ASSERT_TRUE(client.send(head + body.substr(0, split)));
    ASSERT_TRUE(client.send(body.substr(split)));
    EXPECT_EQ(client.read_answer()->body, "abcde") << split;
  }
}

TEST_P(Requests, HeadHasTheLengthButNotTheBody) {
  auto client = connect();
  for (const auto* path : {"/hello", "/nothing", "/echo"}) {
    client.send("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto answer = client.read_answer(true);
    ASSERT_TRUE(answer);
    EXPECT_GT(std::stoi(answer->headers.at("content-length")), 0) << path;
  }
  client.get("/item/after");
  EXPECT_EQ(client.read_answer()->body, "after");
}

TEST_P(Requests, OptionsAndWrongMethodsNameWhatIsAllowed) {
  const auto options = fetch("OPTIONS /item/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.at("allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
  const auto wrong = fetch("PATCH /item/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
  EXPECT_EQ(wrong.headers.at("content-type"), "application/problem+json");
  const auto stream = fetch("HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(stream.status, 405);
  const auto gone = fetch("DELETE /item/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(gone.status, 204);
  EXPECT_FALSE(gone.headers.contains("content-length"));
}

TEST_P(Requests, ProblemsTellTheirRequest) {
  const auto answer = get("/nothing/here");
  EXPECT_EQ(answer.status, 404);
  const auto body = parse_json(answer.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->at("status").as_int(), 404);
  EXPECT_THAT(body->at("detail").as_string(), HasSubstr("/nothing/here"));
  EXPECT_EQ(body->at("request_id").as_string(), answer.headers.at("x-request-id"));
}

TEST_P(Requests, PathsAndQueriesAreDecoded) {
  EXPECT_EQ(get("/item/a%20b%2Fc%3A").body, "a b/c:");
  EXPECT_EQ(get("/%69tem//x/").body, "x");
  EXPECT_EQ(get("http://localhost/item/x").body, "x");
  EXPECT_EQ(get("/query?a=1%26&b=x+y").body, R"({"a":"1&","b":"x y"})");
  for (const auto* path : {"/item/%", "/item/%zz", "/item/%00", "/item/%ff", "/query?a=%", "/item/..",
                           "/item/%2e%2e", "/hello#x", "hello"}) {
    EXPECT_EQ(get(path).status, 400) << path;
  }
}

TEST_P(Requests, OddHeadersAreTheHandlersBusiness) {
  auto client = connect();
  for (const auto* field :
       {"Cookie: a", "Cache-Control: max-age=abc", "Date: x", "Accept: %%", "Content-Type: /;/",
        "Accept-Encoding: ,,,", "User-Agent:", "Authorization: Basic", "Expires: never",
        "If-Modified-Since: x", "Range: bytes=z"}) {
    client.get("/hello", std::string(field) + "\r\n");
    EXPECT_EQ(client.read_answer()->status, 200) << field;
  }
}

TEST_P(Requests, AClientThatAsksIsToldToContinue) {
  auto client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(client.read_answer()->body, "hello");
  client.send("POST /tiny HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_answer()->status, 413);  // instead
  EXPECT_TRUE(client.closed());
}

TEST_P(Requests, LargeBodiesPassInLinearTime) {
  const std::string body(32u << 20, 'b');
  auto client = connect();
  client.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body);
  EXPECT_EQ(client.read_answer()->body, std::to_string(body.size()));
}

TEST_P(Requests, FailingHandlersTellNothingOfTheReason) {
  for (const auto* path : {"/throw/std", "/throw/int", "/events?throw"}) {
    const auto answer = get(path);
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
    EXPECT_THAT(answer.head + answer.body, Not(HasSubstr("1234")));
  }
  EXPECT_EQ(streams_closed_.load(), 1);
  expect_serving();
}

TEST_P(Requests, ForeignHostsAndOriginsAreRefused) {
  EXPECT_EQ(fetch("GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421);
  EXPECT_EQ(fetch("GET /hello HTTP/1.1\r\nHost: a:b:c\r\n\r\n").status, 400);
  EXPECT_EQ(fetch("GET /hello HTTP/1.1\r\nHost: " + server_->address() + "\r\n\r\n").status, 200);
  const auto scheme = GetParam() ? "https://" : "http://";
  const auto post = [&](const std::string& origin) {
    return fetch("POST /hit HTTP/1.1\r\nHost: localhost:9\r\nOrigin: " + origin + "\r\n\r\n").status;
  };
  EXPECT_EQ(post(std::string(scheme) + "localhost:9"), 200);
  EXPECT_EQ(post("http://evil.example"), 403);
  EXPECT_EQ(post("null"), 403);
  EXPECT_EQ(hits_.load(), 1);
}

class Roles : public ServerTest {};

TEST_F(Roles, AreEnforcedAndAudited) {
  options_.authenticate = [](const Request& request) -> Result<Identity> {
    const auto token = request.header("authorization").value_or("");
    if (token == "Bearer v") return Identity{"vera", Role::kViewer};
    if (token == "Bearer o") return Identity{"otto", Role::kOperator};
    return fail(ErrorCode::kPermission, "this needs a token");
  };
  start();
  const auto post = [&](const std::string& token) {
    return fetch("POST /operator HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token + "\r\n\r\n");
  };
  EXPECT_EQ(get("/viewer").headers.at("www-authenticate"), "Bearer");
  EXPECT_EQ(get("/hello").status, 200);
  EXPECT_EQ(post("o").status, 200);
  EXPECT_EQ(post("v").status, 403);
  EXPECT_EQ(post("x").status, 401);
  const std::lock_guard lock(mutex_);
  EXPECT_THAT(audits_, testing::ElementsAre("POST /operator 200 otto", "POST /operator 403 vera",
                                            "POST /operator 401 anonymous"));
}

}  // namespace
}  // namespace holdfast::http::test
