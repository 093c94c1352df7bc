#include "api/http/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http/deadlines.h"
#include "api/http/output_queue.h"

namespace holdfast::http {
namespace {

TEST(Wire, WritesAHead) {
  std::string out;
  append_head(out, Response{.status = 201, .body = "{}", .headers = {{"Location", "/x"}}},
              {.date = "today", .request_id = "id"});
  EXPECT_EQ(out,
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\nDate: today\r\n"
            "X-Request-Id: id\r\nX-Content-Type-Options: nosniff\r\nLocation: /x\r\nCache-Control: "
            "no-store\r\n\r\n");
}

TEST(Wire, SaysWhetherTheConnectionPersists) {
  const auto head = [](WireOptions options) {
    std::string out;
    append_head(out, Response{.status = 204}, options);
    return out;
  };
  EXPECT_THAT(head({.keep_alive = false}), testing::HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(head({.keep_alive = true, .http11 = false}), testing::HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(head({}), testing::Not(testing::HasSubstr("Connection")));
  EXPECT_THAT(head({}), testing::Not(testing::HasSubstr("Content-Length")));
}

TEST(Wire, HeadersThatWouldBreakFramingAreLeftOut) {
  std::string out;
  append_head(out,
              Response{.content_type = "text/x\r\nEvil: 1",
                       .headers = {{"A", "b\r\nEvil: 1"},
                                   {"B C", "1"},
                                   {"Content-Length", "9"},
                                   {"Transfer-Encoding", "chunked"},
                                   {"", "1"},
                                   {"Cache-Control", "max-age=9"}}},
              {});
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\n"
            "Cache-Control: max-age=9\r\n\r\n");
}

TEST(Wire, DatesAreOfTheFormOfRfc9110) {
  DateHeader date;
  EXPECT_EQ(date.at(WallTime{std::chrono::seconds{784111777}}), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(WallTime{std::chrono::seconds{784111778}}), "Sun, 06 Nov 1994 08:49:38 GMT");
}

TEST(OutputQueue, KeepsOrderAndCountsBytes) {
  OutputQueue queue;
  std::string expected;
  for (const size_t size : {1u, 0u, 20'000u, 5u, 16'000u, 16'000u, 7u}) {
    const std::string part(size, static_cast<char>('a' + expected.size() % 26));
    expected += part;
    queue.push(part);
  }
  EXPECT_EQ(queue.size(), expected.size());
  std::string got;
  while (!queue.empty()) {
    const auto piece = queue.front().substr(0, 777);
    got += piece;
    queue.pop(piece.size());
  }
  EXPECT_EQ(got, expected);
  queue.push("again");
  EXPECT_EQ(queue.front(), "again");
}

TEST(Deadlines, TheEarliestComesFirst) {
  const auto at = [](int second) { return MonoTime{std::chrono::seconds{second}}; };
  Deadlines deadlines;
  EXPECT_EQ(deadlines.earliest(), std::nullopt);
  deadlines.add(at(5), 1);
  deadlines.add(at(3), 2);
  deadlines.add(at(3), 3);
  deadlines.remove(at(3), 2);
  EXPECT_EQ(deadlines.earliest(), at(3));
  EXPECT_EQ(deadlines.take_due(at(2)), std::nullopt);
  EXPECT_EQ(deadlines.take_due(at(4)), 3u);
  EXPECT_EQ(deadlines.take_due(at(4)), std::nullopt);
  EXPECT_EQ(deadlines.take_due(at(5)), 1u);
  EXPECT_EQ(deadlines.earliest(), std::nullopt);
}

}  // namespace
}  // namespace holdfast::http
