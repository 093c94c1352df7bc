#include "runtimes/docker/cli/log_text.h"

#include <gtest/gtest.h>

namespace holdfast::docker {
namespace {

std::string texts(const std::vector<LogLine>& lines) {
  std::string out;
  for (const auto& line : lines) out += line.text + "|";
  return out;
}

TEST(LogText, HasTimesAndTexts) {
  const auto lines = parse_log_text(
      "2026-11-22T18:47:03.123456789Z one two\n2026-11-22T18:47:04Z \n2026-11-22T20:47:05.5+02:00  x \r\n"
      "2026-11-22T18:47:06Z cut",
      "stderr", false);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(texts(lines), "one two|| x \r|cut|");
  EXPECT_EQ(lines[0].at.time_since_epoch().count() % 1'000'000'000, 123456789);
  EXPECT_EQ(lines[2].at - lines[1].at, std::chrono::milliseconds{1500});
  EXPECT_EQ(lines[0].stream, "stderr");
}

TEST(LogText, LeavesOutWhatHasNoTime) {
  EXPECT_EQ(texts(parse_log_text("WARNING: something of docker's\n\n2026-11-22T18:47:03Z a\nyesterday b\n",
                                 "stderr", false)),
            "a|");
}

TEST(LogText, LosesTheTerminalsReturns) {
  EXPECT_EQ(texts(parse_log_text("2026-11-22T18:47:03Z a\r\n2026-11-22T18:47:03Z b\r\n", "stdout", true)),
            "a|b|");
}

TEST(LogText, JoinsThePiecesOfLongLines) {
  const std::string piece(16384, 'x');
  const std::string stamp = "2026-11-22T18:47:03.000000001Z ";
  const auto lines = parse_log_text(stamp + piece + stamp + piece + stamp + "end\n", "stdout", false);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].text, piece + piece + "end");
  const auto whole = parse_log_text(stamp + piece + "y" + stamp + "\n", "stdout", false);
  EXPECT_EQ(whole[0].text, piece + "y" + stamp) << "it is the container's own text";
}

TEST(LogText, IsMergedInOrderOfTime) {
  const auto out = parse_log_text("2026-11-22T18:47:01Z o1\n2026-11-22T18:47:03Z o3\n", "stdout", false);
  const auto err = parse_log_text("2026-11-22T18:47:01Z e1\n2026-11-22T18:47:02Z e2\n", "stderr", false);
  EXPECT_EQ(texts(merge_logs(out, err)), "o1|e1|e2|o3|");
}

TEST(LogText, HasSecondsForDocker) {
  EXPECT_EQ(seconds_text(1767225600'000000001), "1767225600.000000001");
  EXPECT_EQ(seconds_text(5), "0.000000005");
}

}  // namespace
}  // namespace holdfast::docker
