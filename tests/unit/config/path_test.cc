#include "controller/config/path.h"

#include "controller/config/nearest.h"

namespace holdfast::config {
namespace {

TEST(Paths, AndPointersSayTheSame) {
  const std::vector<std::array<std::string, 2>> cases = {
      {"", ""},
      {"services.web.restart", "/services/web/restart"},
      {"services.web.args.0", "/services/web/args/0"},
      {R"(services.web.env."a.b")", "/services/web/env/a.b"},
      {R"(labels."x/y")", "/labels/x~1y"},
      {R"(a."q\"\\~ ")", "/a/q\"\\~0 "},
      {R"(a."".b)", "/a//b"},
  };
  for (const auto& [path, pointer] : cases) {
    EXPECT_EQ(path_to_pointer(path), Result<std::string>(pointer)) << path;
    const auto back = pointer_to_path(pointer);
    ASSERT_TRUE(back) << pointer;
    EXPECT_EQ(path_to_pointer(*back), Result<std::string>(pointer)) << *back;
  }
  EXPECT_EQ(pointer_to_path("/services/web/env/a.b"), Result<std::string>(R"(services.web.env."a.b")"));
  EXPECT_EQ(pointer_to_path("/a//b"), Result<std::string>(R"(a."".b)"));
}

TEST(Paths, BadOnesAreRefused) {
  for (const std::string path : {".", "a.", ".a", "a..b", "\"a", "\"a\"b", "a.\"b\\"})
    EXPECT_FALSE(parse_path(path)) << path;
  for (const std::string pointer : {"a", "/a~", "/a~2"}) EXPECT_FALSE(parse_pointer(pointer)) << pointer;
}

TEST(Nearest, FindsTyposOnly) {
  const std::vector<std::string_view> known = {"replicas", "restart", "env", "args", "user", "on-failure"};
  const auto found = [&](std::string_view name) { return nearest(name, known).value_or("-"); };
  EXPECT_EQ(found("replcas"), "replicas");
  EXPECT_EQ(found("Replicas"), "replicas");
  EXPECT_EQ(found("erplicas"), "replicas");
  EXPECT_EQ(found("restarts"), "restart");
  EXPECT_EQ(found("evn"), "env");
  EXPECT_EQ(found("arg"), "args");
  EXPECT_EQ(found("onfailure"), "on-failure");
  EXPECT_EQ(found("x"), "-");
  EXPECT_EQ(found("volumes"), "-");
  EXPECT_EQ(found(""), "-");
  EXPECT_EQ(found(std::string(10'000, 'r')), "-");
}

}  // namespace
}  // namespace holdfast::config
