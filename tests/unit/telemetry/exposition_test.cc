#include "controller/telemetry/exposition.h"

#include <limits>

#include "tests/support/support.h"

namespace holdfast::telemetry {
namespace {

using Samples = std::map<std::string, double>;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<Samples> parse(std::string_view text, std::vector<std::string> include = {}) {
  ExpositionParser parser(std::move(include));
  parser.feed(text);
  return parser.finish();
}

constexpr std::string_view kPage =
    "# HELP converter_groups_total Groups by result.\n"
    "# TYPE converter_groups_total counter\n"
    "converter_groups_total{result=\"ok\"} 1027 1395066363000\n"
    "converter_groups_total{result=\"a \\\"} \\\\ b\"}   3\n"
    "\n"
    "  converter_load\t0.5\n"
    "go_goroutines 33\r\n"
    "empty_labels{} -4e-2\n"
    "not_known NaN\n"
    "top +Inf\n"
    "# EOF\n"
    "last 1";

TEST(Exposition, ReadsNamesLabelsAndValues) {
  EXPECT_EQ(*parse(kPage), (Samples{{"converter_groups_total{result=\"ok\"}", 1027},
                                    {"converter_groups_total{result=\"a \\\"} \\\\ b\"}", 3},
                                    {"converter_load", 0.5},
                                    {"go_goroutines", 33},
                                    {"empty_labels", -0.04},
                                    {"top", std::numeric_limits<double>::infinity()},
                                    {"last", 1}}));
}

TEST(Exposition, ReadsTheSameInAnyPieces) {
  for (size_t step = 1; step < 40; ++step) {
    ExpositionParser parser({});
    for (size_t i = 0; i < kPage.size(); i += step) parser.feed(kPage.substr(i, step));
    EXPECT_EQ(parser.finish(), parse(kPage)) << step;
  }
}

TEST(Exposition, KeepsWhatAPatternNames) {
  EXPECT_EQ(parse(kPage, {"converter_l*", "go_?oroutines"})->size(), 2u);
  EXPECT_EQ(parse(kPage, {"converter_groups_total"})->size(), 2u) << "patterns are about names, not labels";
  EXPECT_THAT(*parse(kPage, {"nothing"}), IsEmpty());
}

TEST(Exposition, NamesTheLineThatIsWrong) {
  for (const auto* bad : {"ok 1\n<html>", "ok 1\nname", "ok 1\nname x", "ok 1\nname{a=\"b\" 1",
                          "ok 1\n1name 2", "ok 1\nname ++1", "ok 1\nname 1e"}) {
    const auto parsed = parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(parsed.error().message, HasSubstr("line 2")) << bad;
  }
}

TEST(Exposition, IsBounded) {
  EXPECT_THAT(parse(std::string(100'000, 'a')).error().message, HasSubstr("64 KiB"));
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "m" + std::to_string(i) + " 1\n";
  EXPECT_THAT(parse(many).error().message, HasSubstr("include"));
  EXPECT_EQ(parse(many, {"m1*"})->size(), 112u) << "what is not wanted costs nothing";
}

TEST(Exposition, TakesNothingAsNothing) {
  EXPECT_THAT(*parse(""), IsEmpty());
  EXPECT_THAT(*parse("\n\n# only comments\n"), IsEmpty());
}

}  // namespace
}  // namespace holdfast::telemetry
