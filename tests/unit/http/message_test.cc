#include "api/http/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

TEST(Message, HeadersAndQueryValuesAreFoundByName) {
  Request request;
  request.headers = {{"accept", "a"}, {"x-one", "1"}, {"x-one", "2"}};
  request.query = {{"k", "first"}, {"k", "second"}, {"empty", ""}};
  EXPECT_EQ(request.header("x-one"), "1");
  EXPECT_EQ(request.header("missing"), std::nullopt);
  EXPECT_EQ(request.query_value("k"), "first");
  EXPECT_EQ(request.query_value("empty"), "");
  EXPECT_EQ(request.query_value("j"), std::nullopt);
}

TEST(Message, EveryErrorCodeHasOneStatus) {
  EXPECT_EQ(status_of(ErrorCode::kInvalid), 400);
  EXPECT_EQ(status_of(ErrorCode::kNotFound), 404);
  EXPECT_EQ(status_of(ErrorCode::kConflict), 409);
  EXPECT_EQ(status_of(ErrorCode::kPermission), 403);
  EXPECT_EQ(status_of(ErrorCode::kUnavailable), 503);
  EXPECT_EQ(status_of(ErrorCode::kTimeout), 504);
  EXPECT_EQ(status_of(ErrorCode::kInternal), 500);
}

TEST(Message, AProblemCarriesAllThatIsKnown) {
  const Error error{.code = ErrorCode::kInvalid,
                    .message = "two faults",
                    .hint = "fix them",
                    .details = {{"services.web.replicas", "must be >= 0", "base.yaml:3:5"}}};
  const auto response = problem(error, "id-1");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto body = parse_json(response.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, Json::object({{"type", "about:blank"},
                                 {"title", "Bad Request"},
                                 {"status", 400},
                                 {"detail", "two faults"},
                                 {"hint", "fix them"},
                                 {"errors", Json::array({Json::object({{"path", "services.web.replicas"},
                                                                       {"message", "must be >= 0"},
                                                                       {"origin", "base.yaml:3:5"}})})},
                                 {"request_id", "id-1"}}));
}

TEST(Message, AProblemLeavesOutWhatIsEmptyAndTakesAnotherStatus) {
  const auto response =
      problem(Error{.code = ErrorCode::kConflict, .message = "changed meanwhile", .hint = {}}, "", 412);
  EXPECT_EQ(response.status, 412);
  const auto body = parse_json(response.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, Json::object({{"type", "about:blank"},
                                 {"title", "Precondition Failed"},
                                 {"status", 412},
                                 {"detail", "changed meanwhile"}}));
}

TEST(Message, EntityTagsAreEqualForEqualTextsOnly) {
  EXPECT_EQ(make_etag("a"), make_etag("a"));
  EXPECT_NE(make_etag("a"), make_etag("b"));
  EXPECT_NE(make_etag(""), make_etag(std::string(1, '\0')));
  EXPECT_THAT(make_etag("a"), testing::MatchesRegex("\"[0-9a-f]{32}\""));
}

TEST(Message, EntityTagListsAreSearched) {
  EXPECT_TRUE(etag_listed("\"a\"", "\"a\""));
  EXPECT_TRUE(etag_listed("\"x\" ,\t\"a\"", "\"a\""));
  EXPECT_TRUE(etag_listed("W/\"a\"", "\"a\""));
  EXPECT_TRUE(etag_listed("\"a\"", "W/\"a\""));
  EXPECT_TRUE(etag_listed("*", "\"a\""));
  EXPECT_FALSE(etag_listed("", "\"a\""));
  EXPECT_FALSE(etag_listed("a", "\"a\""));
  EXPECT_FALSE(etag_listed("\"ab\"", "\"a\""));
}

TEST(Message, NotModifiedIsForReadersThatHaveTheTag) {
  Request request;
  EXPECT_EQ(not_modified(request, "\"t\""), std::nullopt);
  request.headers = {{"if-none-match", "\"t\""}};
  const auto response = not_modified(request, "\"t\"");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 304);
  EXPECT_EQ(response->headers, (Headers{{"ETag", "\"t\""}}));
  EXPECT_EQ(not_modified(request, "\"u\""), std::nullopt);
  request.method = Method::kPost;
  EXPECT_EQ(not_modified(request, "\"t\""), std::nullopt);
}

TEST(Message, ResponsesHaveTheirContentTypes) {
  EXPECT_EQ(json_response(Json::object({{"a", 1}}), 201).body, R"({"a":1})");
  EXPECT_EQ(json_response(Json(), 201).status, 201);
  EXPECT_EQ(json_response(Json()).content_type, "application/json");
  EXPECT_EQ(text_response("x").content_type, "text/plain; charset=utf-8");
}

TEST(Message, NamesOfMethodsRolesAndStatuses) {
  EXPECT_EQ(to_string(Method::kPatch), "PATCH");
  EXPECT_EQ(to_string(Role::kOperator), "operator");
  EXPECT_EQ(status_text(421), "Misdirected Request");
  EXPECT_EQ(status_text(599), "Unknown");
}

}  // namespace
}  // namespace holdfast::http
