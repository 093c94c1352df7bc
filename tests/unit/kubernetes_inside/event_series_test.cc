// Which Events are written, by a simulated clock.
#include "runtimes/kubernetes/inside/event_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::kubernetes {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class EventSeriesTest : public testing::Test {
 protected:
  std::optional<EventSeries::Write> next(const std::string& message, const std::string& name = "web") {
    return series_.next({"apps/v1", "Deployment", "ns", name, "uid-1"},
                        {.reason = "Failed", .message = message, .warning = true, .at = wall_}, now_);
  }
  void pass(Duration time) {
    now_ += time;
    wall_ += time;
  }

  MonoTime now_{seconds{1000}};
  WallTime wall_{seconds{1767225600}};
  EventSeries series_{"holdfast-0"};
};

TEST_F(EventSeriesTest, TellsWhatWhomAndWhen) {
  const auto write = next("it failed");
  ASSERT_TRUE(write);
  EXPECT_FALSE(write->patch);
  const auto& event = write->body;
  EXPECT_EQ(event.at("involvedObject"), Json::object({{"apiVersion", "apps/v1"},
                                                      {"kind", "Deployment"},
                                                      {"namespace", "ns"},
                                                      {"name", "web"},
                                                      {"uid", "uid-1"}}));
  EXPECT_EQ(event.at("metadata").at("namespace"), Json("ns"));
  EXPECT_EQ(event.at("metadata").at("name").as_string(), write->name);
  EXPECT_EQ(event.at("reason"), Json("Failed"));
  EXPECT_EQ(event.at("message"), Json("it failed"));
  EXPECT_EQ(event.at("type"), Json("Warning"));
  EXPECT_EQ(event.at("source").at("component"), Json("holdfast"));
  EXPECT_EQ(event.at("reportingInstance"), Json("holdfast-0"));
  EXPECT_EQ(event.at("firstTimestamp"), Json("2026-01-01T00:00:00Z"));
  EXPECT_EQ(event.at("count"), Json(1));
}

TEST_F(EventSeriesTest, EqualOnesAreCountedForAWhile) {
  const auto first = next("it failed");
  pass(minutes{9});
  const auto second = next("it failed");
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->patch);
  EXPECT_EQ(second->name, first->name);
  EXPECT_EQ(second->body, Json::object({{"count", 2}, {"lastTimestamp", "2026-01-01T00:09:00Z"}}));
  EXPECT_FALSE(next("it failed otherwise")->patch);
  EXPECT_FALSE(next("it failed", "db")->patch);
  pass(minutes{11});
  const auto later = next("it failed");
  EXPECT_FALSE(later->patch);
  EXPECT_NE(later->name, first->name);
  series_.forget(*later);
  EXPECT_FALSE(next("it failed")->patch);
}

TEST_F(EventSeriesTest, OneObjectCannotFlood) {
  for (int i = 0; i < 25; ++i) EXPECT_TRUE(next("n" + std::to_string(i)));
  EXPECT_FALSE(next("one more"));
  EXPECT_FALSE(next("n1"));
  EXPECT_TRUE(next("n1", "db"));
  pass(seconds{5});
  EXPECT_TRUE(next("n1"));
  EXPECT_FALSE(next("n1"));
  pass(std::chrono::hours{9});
  for (int i = 0; i < 25; ++i) EXPECT_TRUE(next("m" + std::to_string(i)));
  EXPECT_FALSE(next("one more"));
}

TEST_F(EventSeriesTest, NamesDifferEvenWhenTheClockStandsStillOrGoesBack) {
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    names.insert(next("n" + std::to_string(i))->name);
    if (i == 10) wall_ -= std::chrono::hours{1};
  }
  EXPECT_EQ(names.size(), 20u);
  EXPECT_LE(next("x", std::string(253, 'n'))->name.size(), 253u);
}

TEST_F(EventSeriesTest, TextsAreCutBetweenCharacters) {
  EXPECT_EQ(cut_text("short", 10), "short");
  EXPECT_EQ(cut_text("0123456789a", 10), "0123456…");
  EXPECT_EQ(cut_text("012345ää9a", 10), "012345…");
  EXPECT_EQ(next(std::string(3000, 'x'))->body.at("message").as_string().size(), 1024u);
}

TEST_F(EventSeriesTest, RemembersSoManyAndNoMore) {
  EventSeries small("i", {.objects = 2, .series = 2});
  const EventText text{.reason = "R", .message = "m", .warning = false, .at = wall_};
  const auto about = [&](const std::string& name) {
    now_ += seconds{1};
    return small.next({"v1", "Pod", "ns", name, ""}, text, now_)->patch;
  };
  EXPECT_FALSE(about("a"));
  EXPECT_FALSE(about("b"));
  EXPECT_FALSE(about("c"));
  EXPECT_TRUE(about("c"));
  EXPECT_FALSE(about("a"));  // was forgotten
}

}  // namespace
}  // namespace holdfast::kubernetes
