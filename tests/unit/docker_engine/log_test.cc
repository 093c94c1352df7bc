#include "runtimes/docker/engine/log_lines.h"
#include "runtimes/http/line_splitter.h"

namespace holdfast::docker {
namespace {

std::string frame(int source, const std::string& data) {
  std::string out(8, '\0');
  out[0] = static_cast<char>(source);
  for (size_t i = 0; i < 4; ++i) out[4 + i] = static_cast<char>(data.size() >> (24 - 8 * i) & 0xff);
  return out + data;
}

std::vector<std::string> frames(std::string_view bytes, size_t piece, bool* good = nullptr) {
  LogDemux demux;
  std::vector<std::string> out;
  bool all = true;
  for (size_t i = 0; i < bytes.size(); i += piece) {
    all = demux.feed(bytes.substr(i, piece), [&](auto source, std::string_view data) {
      out.push_back(std::to_string(source) + ":" + std::string(data));
    });
  }
  if (good) *good = all;
  return out;
}

TEST(LogDemux, TakesFramesApartHoweverTheyAreCut) {
  const auto bytes = frame(1, "one\n") + frame(2, "") + frame(2, "two") + frame(1, std::string(300, 'x'));
  const std::vector<std::string> expected{"1:one\n", "2:", "2:two", "1:" + std::string(300, 'x')};
  for (size_t piece = 1; piece <= bytes.size(); ++piece) EXPECT_EQ(frames(bytes, piece), expected) << piece;
  EXPECT_EQ(frames(bytes.substr(0, bytes.size() - 1), 7).size(), 3u) << "the last isn't whole";
}

TEST(LogDemux, RefusesWhatIsNotFramed) {
  bool good = true;
  EXPECT_THAT(frames("plain text of a terminal\n", 3, &good), ::testing::IsEmpty());
  EXPECT_FALSE(good);
  EXPECT_THAT(frames(std::string("\x01\0\0\0\xff\0\0\0", 8), 8, &good), ::testing::IsEmpty());
  EXPECT_FALSE(good) << "a frame of 4 GiB";
}

constexpr const char* kTime = "2026-11-25T13:25:33.000000042Z ";

LogLines lines_of(const std::vector<std::pair<LogDemux::Source, std::string>>& all, size_t tail = 100,
                  size_t bytes = LogLines::kMaxBytes, std::optional<std::string> stream = {}) {
  LogLines lines(tail, bytes, std::move(stream));
  for (const auto& [source, data] : all) lines.add_frame(source, data);
  return lines;
}

TEST(LogLines, TakesTheTimeOffEveryLine) {
  auto lines = lines_of({{LogDemux::kStdout, std::string(kTime) + "a b\n"},
                         {LogDemux::kStderr, std::string(kTime) + "\n"},
                         {LogDemux::kStdout, "no time\n"}});
  const auto all = lines.take();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].text, "a b");
  EXPECT_EQ(all[0].stream, "stdout");
  EXPECT_EQ(all[0].at.time_since_epoch().count() % 1000, 42);
  EXPECT_EQ(all[1].text, "");
  EXPECT_EQ(all[1].stream, "stderr");
  EXPECT_EQ(all[2].text, "no time");
}

TEST(LogLines, PiecesOfALineAreOneLineThoughTheOtherStreamComesBetween) {
  const std::string time = kTime;
  auto lines = lines_of({{LogDemux::kStdout, time + "one "},
                         {LogDemux::kStderr, time + "error\n"},
                         {LogDemux::kStdout, "2027-01-01T00:00:00Z " + time + "two\n"},
                         {LogDemux::kStdout, time + "cut off"}});
  const auto all = lines.take();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].text, "error");
  EXPECT_EQ(all[1].text, "one " + time + "two") << "a time that the service wrote is its own";
  EXPECT_EQ(format_rfc3339(all[1].at).substr(0, 4), "2026");
  EXPECT_EQ(all[2].text, "cut off");
}

TEST(LogLines, KeepsTheNewest) {
  std::vector<std::pair<LogDemux::Source, std::string>> all;
  for (int i = 0; i < 100; ++i)
    all.emplace_back(i % 2 ? LogDemux::kStderr : LogDemux::kStdout, kTime + std::to_string(i) + "\n");
  EXPECT_EQ(lines_of(all, 3).take().front().text, "97");
  EXPECT_EQ(lines_of(all, 3).seen(), 100u);
  EXPECT_EQ(lines_of(all, 0).take().size(), 0u);
  EXPECT_EQ(lines_of(all, 3, LogLines::kMaxBytes, "stdout").take().front().text, "94");
  const auto few = lines_of(all, 1000, 700).take();
  EXPECT_EQ(few.back().text, "99");
  EXPECT_LT(few.size(), 12u);
}

TEST(LogLines, AnEndlessLineIsCut) {
  LogLines lines(10, LogLines::kMaxBytes, {});
  for (int i = 0; i < 300; ++i) lines.add_frame(LogDemux::kStdout, kTime + std::string(16384, 'x'));
  EXPECT_EQ(lines.take().front().text.size(), LogLines::kMaxLine);
  for (int i = 0; i < 300; ++i) lines.add_raw(std::string(16384, 'x'));
  EXPECT_EQ(lines.take().front().text.size(), LogLines::kMaxLine);
}

TEST(LogLines, ReadsATerminalHoweverItIsCut) {
  const std::string time = kTime;
  const std::string piece(16384, 'x');
  const auto bytes = time + "one\r\n" + time + piece + time + piece + time + "end\r\n" + time + "prompt> ";
  for (const size_t step : {1u, 7u, 4096u, 100000u}) {
    LogLines lines(10, LogLines::kMaxBytes, {});
    for (size_t i = 0; i < bytes.size(); i += step) lines.add_raw(std::string_view(bytes).substr(i, step));
    const auto all = lines.take();
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].text, "one");
    EXPECT_EQ(all[1].text, piece + piece + "end");
    EXPECT_EQ(all[2].text, "prompt> ");
    EXPECT_EQ(all[2].stream, "stdout");
  }
}

TEST(LineSplitter, CutsLinesHoweverTheyCome) {
  const std::string bytes = "{\"a\":1}\n\n  \r\n{\"b\":2}\r\n{\"c\"";
  for (size_t step = 1; step <= bytes.size(); ++step) {
    http_client::LineSplitter lines;
    std::vector<std::string> seen;
    for (size_t i = 0; i < bytes.size(); i += step)
      EXPECT_TRUE(lines.feed(std::string_view(bytes).substr(i, step), [&](std::string_view line) {
        seen.emplace_back(line);
        return true;
      }));
    EXPECT_THAT(seen, ::testing::ElementsAre("{\"a\":1}", "{\"b\":2}\r"));
    EXPECT_EQ(lines.rest(), "{\"c\"");
  }
  http_client::LineSplitter small(10);
  EXPECT_FALSE(small.feed("01234567890", [](std::string_view) { return true; })) << "never without a bound";
}

}  // namespace
}  // namespace holdfast::docker
