#include "controller/base/json.h"

#include <limits>

namespace holdfast {
namespace {

TEST(Json, RoundTripsEveryType) {
  const std::string text = R"({"a":null,"b":true,"c":-3,"d":2.5,"e":"x\n\u0001","f":[1,[],{}]})";
  const auto value = parse_json(text);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(dump_json(*value), text);
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{\"a\":1,}", "line 1, column 8"},
      {"{\"a\":1} x", "line 1, column 9"},
      {"{\"a\":1,\n \"a\":2}", "line 2, column 2: duplicate key 'a'"},
      {std::string("{}\0garbage", 10), "line 1, column 3: NUL"},
      {"\"\xff\"", "line 1"},
      {"[1e999]", "line 1"},
      {"", "line 1"},
      {std::string(100, '['), "nested deeper than 64"},
  };
  for (const auto& [text, message] : cases) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(value.error().message, testing::HasSubstr(message)) << text;
  }
}

TEST(Json, TellsPositions) {
  std::map<std::string, std::pair<int, int>> seen;
  const auto value = parse_json_with_positions(
      "{\n  \"a/b\": [1,\n    {\"c\": \"x\"}],\n  \"d\": 2\n}",
      [&](const std::string& pointer, TextPosition at) { seen[pointer] = {at.line, at.column}; });
  ASSERT_TRUE(value);
  const std::map<std::string, std::pair<int, int>> expected = {{"", {1, 1}},           {"/a~1b", {2, 10}},
                                                               {"/a~1b/0", {2, 11}},   {"/a~1b/1", {3, 5}},
                                                               {"/a~1b/1/c", {3, 11}}, {"/d", {4, 8}}};
  EXPECT_EQ(seen, expected);
}

TEST(Json, WritesOddValuesSafely) {
  EXPECT_EQ(dump_json(Json(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(dump_json(Json(std::string("a\xff"
                                       "b"))),
            "\"a\xEF\xBF\xBD"
            "b\"");
  EXPECT_EQ(dump_json(Json(5.0)), "5.0");
  EXPECT_EQ(dump_json_canonical(*parse_json(R"({"b":1.0,"a":{"d":1,"c":2}})")),
            R"({"a":{"c":2,"d":1},"b":1})");
}

TEST(Json, ComparesByValue) {
  EXPECT_EQ(*parse_json(R"({"a":1,"b":2})"), *parse_json(R"({"b":2.0,"a":1})"));
  EXPECT_FALSE(*parse_json(R"({"a":1})") == *parse_json(R"({"a":"1"})"));
}

// The examples of RFC 7396, appendix A.
TEST(Json, MergePatchFollowsTheRfc) {
  const std::vector<std::array<std::string, 3>> cases = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"a":"foo"})", "\"bar\"", "\"bar\""},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& [target, patch, expected] : cases) {
    auto value = *parse_json(target);
    merge_patch(value, *parse_json(patch));
    EXPECT_EQ(dump_json(value), expected) << target << " + " << patch;
  }
}

}  // namespace
}  // namespace holdfast
