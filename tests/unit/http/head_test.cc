#include "api/http/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

int refusal_status(std::string_view block) {  // 0: accepted
  RequestHead head;
  const auto refusal = parse_head(block, head);
  return refusal ? refusal->status : 0;
}

int with_fields(const std::string& fields) {
  return refusal_status("POST /x HTTP/1.1\r\nHost: h\r\n" + fields);
}

TEST(Head, TakesARequestApart) {
  RequestHead head;
  ASSERT_FALSE(
      parse_head("PATCH /a?b=c HTTP/1.1\r\nHost:  h:1 \r\nX-Y:\tz\t\r\nContent-Length: 12\r\n"
                 "Expect: 100-Continue\r\n",
                 head));
  EXPECT_EQ(head.method, Method::kPatch);
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.host, "h:1");
  EXPECT_TRUE(head.http11);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.expect_continue);
  EXPECT_FALSE(head.chunked);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_EQ(head.headers,
            (Headers{{"host", "h:1"}, {"x-y", "z"}, {"content-length", "12"}, {"expect", "100-Continue"}}));
}

TEST(Head, ConnectionsPersistAsTheVersionAndTheClientSay) {
  const auto keeps = [](const std::string& text) {
    RequestHead head;
    EXPECT_FALSE(parse_head(text, head)) << text;
    return head.keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: h\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade, close\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: enclosed\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nConnection: keep-alive\r\n"));
}

TEST(Head, RefusesRequestLinesThatAreNone) {
  for (const std::string line :
       {"", "GET", "GET /", "GET / ", " GET / HTTP/1.1", "GET  HTTP/1.1", "GET / HTTP/1.1 ",
        "G\"T / HTTP/1.1", "GET /a b HTTP/1.1", "GET / http/1.1", "GET /\t HTTP/1.1", "GET /\x7f HTTP/1.1",
        "GET /\xc3\xa4 HTTP/1.1", "\x16\x03\x01"}) {
    EXPECT_EQ(refusal_status(line + "\r\nHost: h\r\n"), 400) << line;
  }
  EXPECT_EQ(refusal_status(""), 400);
}

TEST(Head, NamesWhatIsNotSupported) {
  EXPECT_EQ(refusal_status("GET / HTTP/2.0\r\nHost: h\r\n"), 505);
  EXPECT_EQ(refusal_status("PRI * HTTP/2.0\r\n"), 505);
  EXPECT_EQ(refusal_status("TRACE / HTTP/1.1\r\nHost: h\r\n"), 501);
  EXPECT_EQ(refusal_status("get / HTTP/1.1\r\nHost: h\r\n"), 501);
  EXPECT_EQ(refusal_status("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n"), 501);
  EXPECT_EQ(with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(with_fields("Expect: everything\r\n"), 417);
  EXPECT_EQ(refusal_status("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n"), 414);
}

TEST(Head, RefusesAmbiguousFraming) {
  EXPECT_EQ(with_fields("Content-Length: 5\r\n"), 0);
  for (const std::string fields : {"Content-Length: 5\r\nContent-Length: 5\r\n",
                                   "Content-Length: 5, 5\r\n",
                                   "Content-Length: +5\r\n",
                                   "Content-Length: -5\r\n",
                                   "Content-Length: 0x5\r\n",
                                   "Content-Length: abc\r\n",
                                   "Content-Length:\r\n",
                                   "Content-Length: 5 5\r\n",
                                   "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                   "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                   "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                   "Host : h\r\n",
                                   "X Y: 1\r\n",
                                   ": 1\r\n",
                                   "X\r\n",
                                   " folded\r\n",
                                   "X: 1\r\n\tfolded\r\n",
                                   "Content-Length : 5\r\n",
                                   "Host: other\r\n",
                                   "X: a\x01\r\n",
                                   "X: a\x7f\r\n",
                                   "X\x80: 1\r\n"}) {
    EXPECT_EQ(with_fields(fields), 400) << fields;
  }
  EXPECT_EQ(with_fields("Content-Length: 99999999999999999999999999\r\n"), 413);
  EXPECT_EQ(refusal_status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"), 400);
}

TEST(Head, ValuesMayHoldWhatOnlyHandlersUnderstand) {
  for (const std::string fields : {"Cookie: a\r\n", "Cache-Control: max-age=abc\r\n", "Date: x\r\n",
                                   "Accept: %%%\r\n", "Content-Type: ///\r\n", "X:\r\n", "X: \xc3\xa4\r\n"}) {
    EXPECT_EQ(with_fields(fields), 0) << fields;
  }
}

TEST(Head, HostIsNeededOnce) {
  EXPECT_EQ(refusal_status("GET / HTTP/1.1\r\n"), 400);
  EXPECT_EQ(refusal_status("GET / HTTP/1.0\r\n"), 0);
}

TEST(Head, TheNumberOfHeadersIsBounded) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: 1\r\n";
  EXPECT_EQ(with_fields(fields), 0);
  EXPECT_EQ(with_fields(fields + "X: 1\r\n"), 431);
}

}  // namespace
}  // namespace holdfast::http
