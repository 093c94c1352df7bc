#include "runtimes/kubernetes/client/watch_reader.h"

#include "tests/support/support.h"

namespace holdfast::kubernetes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Question kWatchPods{.verb = "watch", .resource = kPods};
constexpr const char* kStream =
    R"({"type":"ADDED","object":{"metadata":{"name":"a"}}}
{"type":"MODIFIED","object":{"metadata":{"name":"b"}}}

{"type":"DELETED","object":{"metadata":{"name":"c"}}}
{"type":"NOVEL","object":{"metadata":{"name":"x"}}}
{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}
)";

struct Reading {
  std::vector<std::string> told{};
  WatchReader reader{kWatchPods, [this](const WatchEvent& event) {
                       told.push_back(std::to_string(static_cast<int>(event.type)) +
                                      event.object.at("metadata").at("name").as_string());
                     }};
};

TEST(WatchReader, TellsEventsHoweverTheyAreCut) {
  const std::string_view all(kStream);
  for (size_t piece = 1; piece <= all.size(); ++piece) {
    Reading reading;
    for (size_t i = 0; i < all.size(); i += piece) ASSERT_TRUE(reading.reader.feed(all.substr(i, piece)));
    ASSERT_THAT(reading.told, ElementsAre("0a", "1b", "2c", "3")) << piece;
    ASSERT_FALSE(reading.reader.within_a_line());
  }
}

TEST(WatchReader, DropsHalfALine) {
  Reading reading;
  EXPECT_TRUE(reading.reader.feed(std::string_view(kStream).substr(0, 60)));
  EXPECT_THAT(reading.told, ElementsAre("0a"));
  EXPECT_TRUE(reading.reader.within_a_line());
  EXPECT_FALSE(reading.reader.failure());
}

TEST(WatchReader, TellsTheServersError) {
  Reading reading;
  EXPECT_FALSE(reading.reader.feed(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
      "\n" +
      std::string(kStream)));
  EXPECT_TRUE(reading.told.empty());
  ASSERT_TRUE(reading.reader.failure());
  EXPECT_EQ(reading.reader.failure()->status, 410);
  EXPECT_THAT(reading.reader.failure()->error.message, HasSubstr("too old"));
  EXPECT_FALSE(reading.reader.feed(kStream));
}

TEST(WatchReader, GivesUpOnWhatIsNoEvent) {
  for (const auto* line :
       {"hello\n", "[]\n", "{}\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"ADDED\",\"object\":1}\n"}) {
    Reading reading;
    EXPECT_FALSE(reading.reader.feed(line)) << line;
    ASSERT_TRUE(reading.reader.failure());
    EXPECT_EQ(reading.reader.failure()->error.code, ErrorCode::kUnavailable);
  }
  Reading reading;
  const std::string piece(1u << 20, ' ');
  bool good = true;
  for (int i = 0; i < 9 && good; ++i) good = reading.reader.feed(piece);
  EXPECT_FALSE(good);
  EXPECT_THAT(reading.reader.failure()->error.message, HasSubstr("larger than 8 MiB"));
}

}  // namespace
}  // namespace holdfast::kubernetes
