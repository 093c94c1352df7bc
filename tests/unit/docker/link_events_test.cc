// Events, and lists after every gap.
#include "tests/unit/docker/link_world.h"

namespace holdfast::docker {
namespace {

using namespace std::chrono_literals;
using test::Link;
using test::refused;
using test::wait_until;

TEST_F(Link, EventsThatEndAreAskedForAgainWithAnOverlapAndAllIsListed) {
  make_engine(one_);
  start();
  ASSERT_TRUE(wait_until([&] { return lists() > 0; }));
  one_.events().tell({.action = "start", .id = "a", .attributes = {}, .time_ns = 100'000'000'000});
  EXPECT_EQ(events(), (std::vector<std::string>{"start"}));
  const int before = lists();
  engine_->end_events({.code = ErrorCode::kUnavailable, .message = "the stream ended", .hint = {}});
  one_.events().tell(
      {.action = "die", .id = "a", .attributes = {}, .time_ns = 101'000'000'000});  // nobody listens
  ASSERT_TRUE(wait_until([&] { return lists() > before; }));
  EXPECT_EQ(engine_->subscribed(), (std::vector<std::int64_t>{0, 95'000'000'000}));
  EXPECT_EQ(events(), (std::vector<std::string>{"start", "start", "die"}));
  EXPECT_EQ(told(), (std::vector<std::string>{"engine"}));
}

// A proxy before the socket may allow all but the events.
TEST_F(Link, EventsThatAreRefusedAreNotAskedForInAHurry) {
  make_engine(one_);
  engine_->fail_next("events", {.code = ErrorCode::kPermission, .message = "forbidden", .hint = {}}, false,
                     -1);
  options_.first_retry = options_.max_retry = 1h;
  start();
  ASSERT_TRUE(wait_for_mode("engine"));
  for (int i = 1; i <= 20; ++i) {
    link_->list_soon();
    ASSERT_TRUE(wait_until([&] { return lists() >= i; }));
  }
  EXPECT_LE(engine_->calls("events"), lists() + 1);
  EXPECT_TRUE(link_->availability().available);
}

TEST_F(Link, WithoutEventsItListsNowAndThen) {
  make_engine(one_);
  engine_->fail_next("events", {.code = ErrorCode::kPermission, .message = "forbidden", .hint = {}}, false,
                     -1);
  start();
  EXPECT_TRUE(wait_until([&] { return lists() > 10; }));
}

TEST_F(Link, StoppedItTellsNothing) {
  make_engine(one_);
  start();
  ASSERT_TRUE(wait_until([&] { return lists() > 0; }));
  link_->stop();
  const int before = lists();
  link_->list_soon();
  one_.events().tell({.action = "start", .id = "a"});
  engine_->cut(refused());
  EXPECT_EQ(lists(), before);
  EXPECT_EQ(events(), (std::vector<std::string>{}));
  EXPECT_EQ(one_.events().followers(), 0);
}

}  // namespace
}  // namespace holdfast::docker
