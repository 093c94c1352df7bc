// Variables, words, sizes and files of variables, each as a table.
#include "controller/config/compose/words.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using Words = std::vector<std::string>;

std::optional<std::string> variable(const std::string& name) {
  if (name == "A") return "a";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

TEST(Interpolation, FollowsTheRulesOfCompose) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"plain", "plain"},
      {"$A", "a"},
      {"x${A}y", "xay"},
      {"$A$A/$A.", "aa/a."},
      {"$$A", "$A"},
      {"$${A}", "${A}"},
      {"$$$A", "$a"},
      {"${NO:-b}", "b"},
      {"${EMPTY:-b}", "b"},
      {"${EMPTY-b}", ""},
      {"${NO-b}", "b"},
      {"${A:-b}", "a"},
      {"${NO:-}", ""},
      {"${NO:-${A}-${NO:-c}}", "a-c"},
      {"${NO:-$$}", "$"},
      {"${NO:-a:b-c?}", "a:b-c?"},
      {"${A:+b}", "b"},
      {"${EMPTY:+b}", ""},
      {"${EMPTY+b}", "b"},
      {"${NO+b}", ""},
      {"${A:?must}", "a"},
      {"${EMPTY?must}", ""},
  };
  for (const auto& [text, expected] : cases) {
    Words unset;
    const auto result = interpolate(text, variable, unset);
    ASSERT_TRUE(result) << text << ": " << result.error().message;
    EXPECT_EQ(*result, expected) << text;
    EXPECT_THAT(unset, IsEmpty()) << text;
  }
}

TEST(Interpolation, TellsWhichVariablesAreNotThere) {
  Words unset;
  EXPECT_EQ(interpolate("${NO}-$NEITHER-$EMPTY", variable, unset), "--");
  EXPECT_THAT(unset, ElementsAre("NO", "NEITHER"));
}

TEST(Interpolation, RefusesWhatIsNoVariable) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "${NO:-";
  deep += std::string(10'000, '}');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"cost: 5$", "a $ isn't followed by a variable's name; for a literal $ write $$"},
      {"$1", "a $ isn't followed"},
      {"${A", "a ${ isn't closed"},
      {"${}", "a ${ isn't followed by a variable's name"},
      {"${1}", "a ${ isn't followed by a variable's name"},
      {"${A/x/y}", "followed by what is no -, ? or +"},
      {"${A:}", "followed by what is no -, ? or +"},
      {"${NO:?set $A}", "the variable NO must be set: set a"},
      {"${EMPTY:?}", "the variable EMPTY must be set"},
      {"${NO?}", "the variable NO must be set"},
      {"${NO:-${}}", "a ${ isn't followed"},
      {deep, "within each other too deeply"},
  };
  for (const auto& [text, message] : cases) {
    Words unset;
    const auto result = interpolate(text, variable, unset);
    ASSERT_FALSE(result) << text;
    EXPECT_THAT(result.error().message, HasSubstr(message)) << text;
  }
}

TEST(Words, AreSplitAsAShellDoes) {
  const std::vector<std::pair<std::string, Words>> cases = {
      {"", {}},
      {"  \t\n ", {}},
      {"a", {"a"}},
      {"a  b\tc\nd", {"a", "b", "c", "d"}},
      {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
      {"--x='a b'c", {"--x=a bc"}},
      {"'' \"\"", {"", ""}},
      {R"(a\ b \'c\')", {"a b", "'c'"}},
      {R"('a\b')", {R"(a\b)"}},
      {R"("a\b\"\\\$")", {R"(a\b"\$)"}},
      {"sh -c 'echo \"$HOME\" && x'", {"sh", "-c", "echo \"$HOME\" && x"}},
      {"a \\\n  b", {"a", "b"}},
      {"a#b # c", {"a#b", "#", "c"}},
  };
  for (const auto& [text, expected] : cases) {
    const auto words = split_words(text);
    ASSERT_TRUE(words) << text;
    EXPECT_EQ(*words, expected) << text;
  }
  for (const std::string text : {"'a", "\"a", "a 'b\" c", "a\\"}) EXPECT_FALSE(split_words(text)) << text;
}

TEST(ComposeBytes, AreInPowersOf1024) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"0", 0},          {"1024", 1024},      {"1b", 1},         {"2k", 2048},      {"2kb", 2048},
      {"64M", 64 << 20}, {"64MiB", 64 << 20}, {"1.5g", 3 << 29}, {"1 gb", 1 << 30}, {"2t", 2LL << 40},
  };
  for (const auto& [text, bytes] : cases) EXPECT_EQ(parse_compose_bytes(text), bytes) << text;
  for (const std::string text : {"", "m", "-1", "1x", "1mm", "1e9t", "1kk"})
    EXPECT_FALSE(parse_compose_bytes(text)) << text;
  EXPECT_EQ(quantity(64 << 20), Json("64Mi"));
  EXPECT_EQ(quantity(1537), Json(1537));
  EXPECT_EQ(quantity(0), Json(0));
}

TEST(EnvFile, ReadsWhatComposeReads) {
  const auto variables = parse_env_file(
      "# comment\n\nA1=plain\nexport B = spaced \nC=\"two words # kept\" # dropped\nD='$A literal'\n"
      "E=${A}-${A1}-${NO:-d}\nF=a # comment\nG=a#b\nH=\nA\nNO\nI=\"two\nlines\\tand \\\"quotes\\\" "
      "\\$A\"\nJ=last\r\n",
      variable);
  ASSERT_TRUE(variables) << variables.error().message;
  EXPECT_THAT(*variables,
              ElementsAre(Pair("A1", "plain"), Pair("B", "spaced"), Pair("C", "two words # kept"),
                          Pair("D", "$A literal"), Pair("E", "a-plain-d"), Pair("F", "a"), Pair("G", "a#b"),
                          Pair("H", ""), Pair("A", "a"), Pair("NO", std::nullopt),
                          Pair("I", "two\nlines\tand \"quotes\" $A"), Pair("J", "last")));
}

TEST(EnvFile, NamesTheLineOfAFault) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"A=1\n=2\n", "line 2: expected NAME=value"},
      {"A=1\n\nB C=2\n", "line 3: expected NAME=value"},
      {"A='x\n", "line 1: a quote isn't closed"},
      {"A=${B\n", "line 1: a ${ isn't closed"},
  };
  for (const auto& [text, message] : cases) {
    const auto variables = parse_env_file(text, variable);
    ASSERT_FALSE(variables) << text;
    EXPECT_THAT(variables.error().message, HasSubstr(message)) << text;
  }
}

TEST(Escape, IsUndoneByHoldfast) {
  for (const auto& [text, expected] : std::map<std::string, std::string>{
           {"a", "a"}, {"$a", "$a"}, {"${a}", "$${a}"}, {"$${a}", "$$${a}"}, {"${${", "$${$${"}, {"$", "$"}})
    EXPECT_EQ(escape_parameters(text), expected);
}

}  // namespace
}  // namespace holdfast::config
