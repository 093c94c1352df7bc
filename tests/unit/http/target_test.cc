#include "api/http/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

TEST(PercentDecode, DecodesOrRefuses) {
  EXPECT_EQ(percent_decode("plain"), "plain");
  EXPECT_EQ(percent_decode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decode("%c3%A4"), "\xc3\xa4");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  for (const std::string_view wrong : {"%", "%4", "%4g", "%zz", "a%", "%00", "%c3", "%ff"}) {
    EXPECT_EQ(percent_decode(wrong), std::nullopt) << wrong;
  }
}

TEST(Target, SplitsDecodesAndCollapses) {
  Target target;
  ASSERT_FALSE(parse_target("//a%20b/x%2Fy/?k=1&k=2&e=&f&g=%26+h&&", target));
  EXPECT_EQ(target.path, "/a b/x/y");
  EXPECT_EQ(target.route_path, "/a%20b/x%2Fy");
  EXPECT_EQ(target.query, (std::multimap<std::string, std::string>{
                              {"k", "1"}, {"k", "2"}, {"e", ""}, {"f", ""}, {"g", "& h"}}));
  EXPECT_FALSE(target.authority);
}

TEST(Target, EqualPathsHaveOneRoutePath) {
  for (const std::string_view text : {"/abc/d-e", "/%61bc/d%2De", "///abc//d-e/"}) {
    Target target;
    ASSERT_FALSE(parse_target(text, target));
    EXPECT_EQ(target.route_path, "/abc/d-e") << text;
  }
}

TEST(Target, TheRootAndTheOtherForms) {
  Target target;
  for (const std::string_view root : {"/", "//", "http://h", "http://h/", "https://h?"}) {
    ASSERT_FALSE(parse_target(root, target));
    EXPECT_EQ(target.path, "/") << root;
    EXPECT_EQ(target.route_path, "/") << root;
  }
  ASSERT_FALSE(parse_target("HTTP://h:1/a?b", target));
  EXPECT_EQ(target.authority, "h:1");
  EXPECT_EQ(target.path, "/a");
  EXPECT_TRUE(target.query.contains("b"));
  ASSERT_FALSE(parse_target("*", target));
  EXPECT_TRUE(target.asterisk);
}

TEST(Target, RefusesWhatHasNoPlaceInARequest) {
  for (const std::string_view text : {"", "a", "ftp://h/", "h:1", "/a#b", "/%", "/%0", "/%00", "/a?%zz",
                                      "/a?b=%ff", "/.", "/..", "/a/../b", "/a/%2e%2E/b", "/a?x=%00", "*a"}) {
    Target target;
    const auto refusal = parse_target(text, target);
    ASSERT_TRUE(refusal) << text;
    EXPECT_EQ(refusal->status, 400);
    EXPECT_FALSE(refusal->detail.empty());
  }
}

TEST(Authority, HostsAndPorts) {
  EXPECT_EQ(parse_authority("LocalHost:80"), (Authority{"localhost", std::uint16_t{80}}));
  EXPECT_EQ(parse_authority("a.b."), (Authority{"a.b", std::nullopt}));
  EXPECT_EQ(parse_authority("[::1]:9"), (Authority{"::1", std::uint16_t{9}}));
  EXPECT_EQ(parse_authority("[0:0:0:0:0:0:0:1]"), (Authority{"::1", std::nullopt}));
  for (const std::string_view wrong : {"", ":80", "a:b:c", "a:", "a:x", "a:70000", "a:-1", "[::1", "[zz]",
                                       "::1", "a b", "a/b", "u@h", "[::1]x"}) {
    EXPECT_EQ(parse_authority(wrong), std::nullopt) << wrong;
  }
}

TEST(Authority, LoopbackNames) {
  for (const std::string name : {"localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"}) {
    EXPECT_TRUE(is_loopback_name(name)) << name;
  }
  for (const std::string name :
       {"127.evil.com", "localhost.evil.com", "notlocalhost", "10.0.0.1", "::2", "128.0.0.1"}) {
    EXPECT_FALSE(is_loopback_name(name)) << name;
  }
}

}  // namespace
}  // namespace holdfast::http
