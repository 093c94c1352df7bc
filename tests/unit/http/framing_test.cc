#include "api/http/framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

constexpr size_t kMaxHead = 1024;
constexpr size_t kMaxBody = 64;

struct Outcome {
  std::vector<std::string> requests;  // "METHOD target body"
  int refused = 0;                    // status
  bool operator==(const Outcome&) const = default;
};

// Feeds text in pieces of the given size and reads all requests.
Outcome read_all(std::string_view text, size_t piece) {
  RequestReader reader(kMaxHead);
  Outcome out;
  bool in_body = false;
  for (size_t at = 0; at < text.size(); at += piece) {
    reader.feed(text.substr(at, piece));
    for (;;) {
      const auto progress = in_body ? reader.read_body(kMaxBody) : reader.read_head();
      if (progress == Progress::kNeedInput) break;
      if (progress == Progress::kFailed) {
        out.refused = reader.refusal().status;
        return out;
      }
      if (in_body) {
        out.requests.push_back(std::string(to_string(reader.head().method)) + ' ' + reader.head().target +
                               ' ' + reader.body());
      }
      in_body = !in_body;
    }
    reader.compact();
  }
  return out;
}

void expect_for_every_split(std::string_view text, const Outcome& expected) {
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_EQ(read_all(text, piece), expected) << "pieces of " << piece << " of " << text;
  }
}

constexpr std::string_view kPost = "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(Framing, RequestsFollowEachOtherHoweverTheyAreSplit) {
  expect_for_every_split(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
      "\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;x=y\r\nabcde\r\n0a\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
      "GET /4 HTTP/1.0\r\n\r\n",
      {{"GET /1 ", "POST /2 abc", "POST /3 abcde0123456789", "GET /4 "}, 0});
}

TEST(Framing, IncompleteRequestsWait) {
  expect_for_every_split("GET /1 HTTP/1.1\r\nHost: h\r\n\r", {});
  expect_for_every_split("POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab", {});
  expect_for_every_split(std::string(kPost) + "5\r\nabcde\r\n0\r\n", {});
}

TEST(Framing, WrongLineEndsAreRefusedAtOnce) {
  expect_for_every_split("GET / HTTP/1.1\nHost: h\n\n", {{}, 400});
  expect_for_every_split("GET / HTTP/1.1\r\nHost: h\n\r\n", {{}, 400});
  expect_for_every_split("GET / HTTP/1.1\r\rHost: h\r\n\r\n", {{}, 400});
  expect_for_every_split("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", {{}, 400});
  expect_for_every_split(std::string_view("GET / HTTP/1.1\r\nX: \0\r\n\r\n", 24), {{}, 400});
}

TEST(Framing, WrongChunksAreRefused) {
  for (const std::string_view body :
       {"\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x5\r\nabcde\r\n", " 5\r\nabcde\r\n", "5 \r\nabcde\r\n",
        "5\nabcde\r\n", "5\r\nabcdef\r\n", "5\r\nabcde\n", "5\r\nabcde\rX", "0\r\nT\n", ";x\r\n",
        "5;a\rb\r\nabcde\r\n"}) {
    const auto text = std::string(kPost) + std::string(body);
    for (size_t piece = 1; piece <= text.size(); ++piece) {
      EXPECT_EQ(read_all(text, piece), (Outcome{{}, 400})) << body << " in pieces of " << piece;
    }
  }
  using namespace std::string_literals;
  EXPECT_EQ(read_all(std::string(kPost) + "5;\0\r\nabcde\r\n"s, 7).refused, 400);
  EXPECT_EQ(read_all(std::string(kPost) + std::string(300, '0'), 7).refused, 400);
  EXPECT_EQ(read_all(std::string(kPost) + "0\r\n" + std::string(300, 't'), 7).refused, 400);
}

TEST(Framing, SizesAreBounded) {
  EXPECT_EQ(read_all("GET / HTTP/1.1\r\nX: " + std::string(kMaxHead, 'x'), 100).refused, 431);
  EXPECT_EQ(read_all(std::string(kPost) + "41\r\n", 1).refused, 413);
  EXPECT_EQ(read_all(std::string(kPost) + "40\r\n" + std::string(64, 'a') + "\r\n1\r\n", 9).refused, 413);
  EXPECT_EQ(read_all(std::string(kPost) + "fffffffffffffffffffff\r\n", 3).refused, 413);
  EXPECT_EQ(read_all("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65\r\n\r\n", 5).refused, 413);
  std::string trailers = std::string(kPost) + "0\r\n";
  for (int i = 0; i < 100; ++i) trailers += "T: " + std::string(200, 't') + "\r\n";
  EXPECT_EQ(read_all(trailers, 1000).refused, 431);
}

TEST(Framing, ALargeHeadCostsEachByteOnce) {
  RequestReader reader(1u << 20);
  reader.feed("GET / HTTP/1.1\r\nX: ");
  for (int i = 0; i < 500'000; ++i) {  // quadratic work would not end
    reader.feed("x");
    ASSERT_EQ(reader.read_head(), Progress::kNeedInput);
  }
  EXPECT_GT(reader.buffered(), 500'000u);
  reader.discard();
  EXPECT_EQ(reader.buffered(), 0u);
}

TEST(Framing, EmptyLinesBeforeARequestAreNotKept) {
  RequestReader reader(kMaxHead);
  for (int i = 0; i < 10'000; ++i) {
    reader.feed("\r\n");
    ASSERT_EQ(reader.read_head(), Progress::kNeedInput);
    EXPECT_EQ(reader.buffered(), 0u);
    reader.compact();
  }
}

}  // namespace
}  // namespace holdfast::http
