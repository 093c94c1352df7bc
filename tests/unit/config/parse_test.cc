#include "controller/config/parse.h"

#include "tests/unit/config/common.h"

namespace holdfast::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string as_json(const std::string& text) {
  const auto node = parse_yaml(text);
  return node ? dump_json(to_json(*node)) : "error: " + node.error().message;
}

TEST(Yaml, ScalarsFollowTheCoreSchema) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1", "1"},
      {"-7", "-7"},
      {"+7", "7"},
      {"0", "0"},
      {"-0", "0"},
      {"0x1F", "31"},
      {"0o17", "15"},
      {"1.5", "1.5"},
      {"1.", "1.0"},
      {".5", "0.5"},
      {"1e3", "1000.0"},
      {"-1.5E-1", "-0.15"},
      {"9223372036854775807", "9223372036854775807"},
      {"18446744073709551616", "18446744073709553000.0"},
      {"true", "true"},
      {"True", "true"},
      {"FALSE", "false"},
      {"null", "null"},
      {"~", "null"},
      {"", "null"},
      // What YAML 1.1 or a careless reader would make something else of.
      {"yes", R"("yes")"},
      {"no", R"("no")"},
      {"on", R"("on")"},
      {"off", R"("off")"},
      {"y", R"("y")"},
      {"010", R"("010")"},
      {"-01", R"("-01")"},
      {"1_000", R"("1_000")"},
      {"0b1", R"("0b1")"},
      {"0x", R"("0x")"},
      {"1:30", R"("1:30")"},
      {"12:30:45", R"("12:30:45")"},
      {"2026-01-01", R"("2026-01-01")"},
      {"1.2.3", R"("1.2.3")"},
      {"1e", R"("1e")"},
      {".", R"(".")"},
      {"-", "error: "},
      {"tRUE", R"("tRUE")"},
      {"inf", R"("inf")"},
      {"A=b=c", R"("A=b=c")"},
      {"$HOME", R"("$HOME")"},
      // Quoted or tagged.
      {"\"1\"", R"("1")"},
      {"'true'", R"("true")"},
      {"'010'", R"("010")"},
      {"\"\"", R"("")"},
      {"|\n  5", R"("5")"},
      {"!!str 5", R"("5")"},
      {"!!int 5", "5"},
      {"!!float 5", "5"},
      {"!!bool true", "true"},
  };
  for (const auto& [text, expected] : cases) {
    const auto found = as_json("a: " + text);
    if (expected.starts_with("error"))
      EXPECT_THAT(found, StartsWith("error")) << text;
    else
      EXPECT_EQ(found, "{\"a\":" + expected + "}") << text;
  }
}

TEST(Yaml, ReadsCollectionsKeysAndAliases) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a: [1, {b: c}]\n", R"({"a":[1,{"b":"c"}]})"},
      {"- 1\n- - 2\n", "[1,[2]]"},
      {"1: x\ntrue: y\n", R"({"1":"x","true":"y"})"},
      {"a: &x [1, 2]\nb: *x\n", R"({"a":[1,2],"b":[1,2]})"},
      {"a: &k key\n*k : 1\n", R"({"a":"key","key":1})"},
      {"a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", R"({"a":{"p":1,"q":2},"b":{"q":3,"p":1}})"},
      {"a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y]}\n",
       R"({"a":{"p":1},"b":{"p":2,"r":3},"c":{"p":1,"r":3}})"},
      {"a: {\"<<\": 1}\n", R"({"a":{"<<":1}})"},
      {"\xEF\xBB\xBF"
       "a: \xC3\xA4\n",
       "{\"a\":\"\xC3\xA4\"}"},
      {"---\na: 1\n...\n", R"({"a":1})"},
      {"%YAML 1.2\n---\na: 1\n", R"({"a":1})"},
      {"# only a comment\n", "null"},
      {"{\"a\": [1, \"x\"]}", R"({"a":[1,"x"]})"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(as_json(text), expected) << text;
}

struct Fault {
  std::string text;
  int line, column;
  std::string path, message;
};

TEST(Yaml, FaultsHaveTheirPlace) {
  std::string deep = "a: ";
  for (int i = 0; i < 70; ++i) deep += '[';
  for (int i = 0; i < 70; ++i) deep += ']';
  const std::vector<Fault> cases = {
      {"a: 1\nb: 2\na: 3\n", 3, 1, "a", "duplicate key 'a', first on line 1"},
      {"a: {b: 1,\n  b: 2}\n", 2, 3, "a.b", "duplicate key 'b', first on line 1"},
      {"a: &x [*x]\n", 1, 8, "a.0", "an alias of what it is part of: a cycle"},
      {"a: &x\n  b: {c: *x}\n", 2, 10, "a.b.c", "a cycle"},
      {"a: *nope\n", 1, 4, "", "the referenced anchor is not defined"},
      {"a: 1\n---\nb: 2\n", 2, 1, "", "a second document"},
      {"services:\n\tweb: {}\n", 2, 5, "", "a tab in the indentation"},
      {"a: [1\n", 2, 1, "", "YAML: "},
      {"a: \"b", 1, 6, "", "YAML: "},
      {"a: \"b\nc", 2, 2, "", "YAML: "},
      {"a: \"b\n", 2, 1, "", "YAML: "},
      {"a: .inf\n", 1, 4, "a", "not a finite number"},
      {"a: 1e999\n", 1, 4, "a", "not a finite number"},
      {"a: !thing 1\n", 1, 4, "a", "the tag !thing isn't supported"},
      {"a: !!int x\n", 1, 4, "a", "doesn't fit its tag"},
      {"a: !!map [1]\n", 1, 4, "a", "doesn't fit its tag"},
      {"? [a]\n: 1\n", 1, 3, "", "a key is a string"},
      {"~: 1\n", 1, 1, "", "a key is a string"},
      {"a: \"x\\0y\"\n", 1, 4, "a", "a NUL character"},
      {"a: {<<: 5}\n", 1, 9, "a.<<", "<< takes a map or a list of maps"},
      {std::string("a: 1\nb: x\0y\n", 12), 2, 5, "", "a NUL byte"},
      {"a: 1\nb: \xC3\xA4\xff\n", 2, 6, "", "invalid UTF-8"},
      {deep, 1, 67, "", "nested deeper than 64 levels"},
  };
  for (const auto& fault : cases) {
    const auto node = parse_yaml(fault.text);
    ASSERT_FALSE(node) << fault.text;
    EXPECT_EQ(node.error().mark.line, fault.line) << fault.text;
    EXPECT_EQ(node.error().mark.column, fault.column) << fault.text;
    if (!fault.path.empty()) {
      EXPECT_EQ(node.error().path, fault.path) << fault.text;
    }
    EXPECT_THAT(node.error().message, HasSubstr(fault.message)) << fault.text;
  }
}

// Small texts that would become huge.
TEST(Yaml, BombsAreDefused) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto below = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int k = 0; k < 8; ++k) laughs += ", " + below;
    laughs += "]\n";
  }
  EXPECT_THAT(as_json(laughs), HasSubstr("error: more than 250000 values, aliases expanded"));

  std::string copies = "a: &a " + std::string(100'000, 'x') + "\nb:\n";
  for (int i = 0; i < 1000; ++i) copies += "  - *a\n";
  EXPECT_THAT(as_json(copies), HasSubstr("error: more than 8 MiB of text, aliases expanded"));

  std::string tower = "a0: &a0 [x]\n";
  for (int i = 1; i < 80; ++i)
    tower += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_THAT(as_json(tower), HasSubstr("error: nested deeper than 64 levels, aliases expanded"));

  EXPECT_THAT(as_json(std::string(5'000'000, 'x')), HasSubstr("is larger than the limit of 1048576 bytes"));
  EXPECT_THAT(as_json(std::string(200'000, '[')), StartsWith("error: "));
  EXPECT_THAT(as_json(std::string(200'000, '{')), StartsWith("error: "));
}

TEST(ParseLayer, TakesTheFormatFromTheName) {
  EXPECT_FALSE(parse_layer(yaml("a: b"))->fault.has_value());
  EXPECT_TRUE(parse_layer(json("a: b"))->fault.has_value());
  EXPECT_FALSE(parse_layer({"base", "x.conf", "a: b"})->fault.has_value());
  EXPECT_TRUE(parse_layer(yaml(""))->root.is_object());
  EXPECT_TRUE(parse_layer(json(""))->fault.has_value());
}

TEST(ParseLayer, WantsAMap) {
  for (const auto& layer : {yaml("- a"), yaml("text"), json("[1]"), json("3")}) {
    const auto parsed = parse_layer(layer);
    ASSERT_TRUE(parsed->fault) << layer.text;
    EXPECT_THAT(parsed->fault->message, StartsWith("a map is expected"));
    EXPECT_EQ(parsed->fault->mark.line, 1);
  }
}

TEST(JsonLayer, FaultsHaveTheirPlace) {
  const std::vector<Fault> cases = {
      {"{\"a\": 1,\n \"a\": 2}", 2, 2, "", "duplicate key 'a'"},
      {"{\"a\": 1,\n}", 2, 1, "", "Missing a name"},
      {"{\"a\":\n {\"b\": \"\\u0000\"}}", 2, 8, "a.b", "a NUL character"},
      {"{\"a\":\n {\"b\\u0000\": 1}}", 2, 3, "a", "a NUL character"},
      {std::string(100, '['), 1, 65, "", "nested deeper than 64 levels"},
      {"{\"a\": \"\xff\"}", 1, 0, "", "encoding"},
  };
  for (const auto& fault : cases) {
    const auto node = parse_marked_json(fault.text);
    ASSERT_FALSE(node) << fault.text;
    EXPECT_EQ(node.error().mark.line, fault.line) << fault.text;
    if (fault.column > 0) {
      EXPECT_EQ(node.error().mark.column, fault.column) << fault.text;
    }
    EXPECT_EQ(node.error().path, fault.path) << fault.text;
    EXPECT_THAT(node.error().message, HasSubstr(fault.message)) << fault.text;
  }
}

TEST(JsonLayer, MarksKeysAndValues) {
  const auto node = parse_marked_json("{ \"a\" :\n  [1,\n   {\"b\\\"\\\\\": true}] }");
  ASSERT_TRUE(node);
  const auto at = [](Mark mark) { return std::pair{mark.line, mark.column}; };
  EXPECT_EQ(at(node->members[0].key_mark), (std::pair{1, 3}));
  const Node& list = node->members[0].value;
  EXPECT_EQ(at(list.mark), (std::pair{2, 3}));
  EXPECT_EQ(at(list.items[1].mark), (std::pair{3, 4}));
  EXPECT_EQ(at(list.items[1].members[0].key_mark), (std::pair{3, 5}));
  EXPECT_EQ(at(list.items[1].members[0].value.mark), (std::pair{3, 14}));
}

}  // namespace
}  // namespace holdfast::config
