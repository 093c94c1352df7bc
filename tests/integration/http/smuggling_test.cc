// Requests whose end two parsers could see at different places are refused, and nothing behind them is
// served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/http/fixture.h"

namespace holdfast::http::test {
namespace {

using namespace std::string_literals;

const std::string kSmuggled = "POST /hit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";

struct Case {
  std::string name;
  std::string request;
  int status;
};

std::vector<Case> cases() {
  const std::string post = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  return {
      {"LengthAndChunked", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"TwoLengths", post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 400},
      {"TwoEqualLengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400},
      {"LengthList", post + "Content-Length: 5, 5\r\n\r\nabcde", 400},
      {"LengthText", post + "Content-Length: abc\r\n\r\n", 400},
      {"LengthSigned", post + "Content-Length: +5\r\n\r\nabcde", 400},
      {"LengthNegative", post + "Content-Length: -1\r\n\r\n", 400},
      {"LengthHuge", post + "Content-Length: 18446744073709551616\r\n\r\n", 413},
      {"OtherEncoding", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
      {"EncodingList", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501},
      {"ChunkedInHttp10", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"LineFeedsOnly", "GET /hello HTTP/1.1\nHost: localhost\n\n", 400},
      {"OneLineFeed", "GET /hello HTTP/1.1\r\nHost: localhost\n\r\n", 400},
      {"BareReturn", "GET /hello HTTP/1.1\r\nX: a\rb\r\nHost: localhost\r\n\r\n", 400},
      {"Nul", "GET /hello HTTP/1.1\r\nX: a\0b\r\nHost: localhost\r\n\r\n"s, 400},
      {"SpaceBeforeColon", "GET /hello HTTP/1.1\r\nHost : localhost\r\n\r\n", 400},
      {"LengthSpaceColon", post + "Content-Length : 5\r\n\r\nabcde", 400},
      {"FoldedLine", "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400},
      {"NoHost", "GET /hello HTTP/1.1\r\n\r\n", 400},
      {"TwoHosts", "GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400},
      {"ChunkSizeText", chunked + "zz\r\n", 400},
      {"ChunkSizeHexPrefix", chunked + "0x5\r\nabcde\r\n0\r\n\r\n", 400},
      {"ChunkSizeHuge", chunked + "ffffffffffffffffff\r\n", 413},
      {"ChunkLineFeed", chunked + "5\nabcde\r\n0\r\n\r\n", 400},
      {"ChunkTooLong", chunked + "5\r\nabcdef\r\n0\r\n\r\n", 400},
      {"TooLargeAnnounced", "POST /tiny HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", 413},
      {"TooLargeChunks", "POST /tiny HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n",
       413},
      {"BodyOfUnknownPath", "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", 404},
      {"BodyOfWrongMethod", "PUT /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", 405},
      {"UnknownExpectation", post + "Expect: x\r\nContent-Length: 3\r\n\r\nabc", 417},
      {"HugeHead", "GET /hello HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
      {"ManySlashes", "GET " + std::string(12'000, '/') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414},
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"UnknownMethod", "BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n", 501},
      {"NoRequest", "\x16\x03\x01\r\n\r\n", 400},
  };
}

class Smuggling : public WireTest {
 protected:
  void SetUp() override { start_wire(); }
};
INSTANTIATE_TEST_SUITE_P(Http, Smuggling, testing::Bool(), wire_name);

TEST_P(Smuggling, IsRefusedWithAProblemAndTheEndOfTheConnection) {
  for (const auto& test : cases()) {
    auto client = connect();
    client.send(test.request + kSmuggled);
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer) << test.name;
    EXPECT_EQ(answer->status, test.status) << test.name;
    EXPECT_EQ(answer->headers.at("content-type"), "application/problem+json") << test.name;
    EXPECT_EQ(answer->headers.at("connection"), "close") << test.name;
    EXPECT_TRUE(client.closed()) << test.name;
  }
  EXPECT_EQ(hits_.load(), 0);
  expect_serving();
  expect_resting();
}

TEST_P(Smuggling, SlashesWithinTheLimitAreOnePath) {
  EXPECT_EQ(get(std::string(8000, '/') + "hello").body, "hello\n");
  EXPECT_EQ(get("/" + std::string(8000, 'a')).status, 404);
}

TEST_P(Smuggling, TheRestOfATooLargeBodyIsNotARequest) {
  auto client = connect();
  std::string body;
  while (body.size() < (4u << 20)) body += kSmuggled;
  client.send("POST /tiny HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  client.send(body);
  EXPECT_EQ(client.read_answer()->status, 413);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(hits_.load(), 0);
}

TEST_P(Smuggling, HugeHeadersAreRefusedEarly) {
  auto client = connect();
  client.send("GET /hello HTTP/1.1\r\n");
  const std::string field = "X: " + std::string(1000, 'x') + "\r\n";
  for (int i = 0; i < 4000 && client.send(field); ++i) {
  }
  EXPECT_EQ(client.read_answer()->status, 431);
  expect_serving();
}

}  // namespace
}  // namespace holdfast::http::test
