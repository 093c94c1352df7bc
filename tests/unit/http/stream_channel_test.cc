#include "api/http/stream_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

class StreamChannelTest : public testing::Test {
 protected:
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  StreamChannel channel_{inbox_, 7, 100};
};

TEST_F(StreamChannelTest, TellsItsWorkerOnceUntilItTakes) {
  channel_.opened();
  EXPECT_TRUE(channel_.send("a"));
  EXPECT_TRUE(channel_.send("b"));
  auto messages = inbox_->take();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(std::get<StreamActive>(messages[0]).connection, 7u);
  EXPECT_EQ(channel_.take().bytes, "ab");
  EXPECT_TRUE(channel_.send("c"));
  EXPECT_EQ(inbox_->take().size(), 1u);
}

TEST_F(StreamChannelTest, TheOpeningMayBeLargeWhatFollowsMayNot) {
  EXPECT_TRUE(channel_.send(std::string(1000, 's')));
  channel_.charge(50);
  channel_.opened();
  EXPECT_EQ(channel_.take().bytes.size(), 1000u);
  EXPECT_TRUE(channel_.send(std::string(100, 'e')));
  channel_.written(500);                // of the opening: makes no room
  EXPECT_FALSE(channel_.send("more"));  // one byte too many
  EXPECT_TRUE(channel_.take().overflow);
  EXPECT_FALSE(channel_.send("x"));
}

TEST_F(StreamChannelTest, WhatIsWrittenMakesRoom) {
  channel_.opened();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(channel_.send(std::string(90, 'e')));
    EXPECT_EQ(channel_.take().bytes.size(), 90u);
    channel_.written(90);
  }
  EXPECT_FALSE(channel_.take().overflow);
}

TEST_F(StreamChannelTest, ClosedAndShutStreamsTakeNothing) {
  channel_.opened();
  EXPECT_TRUE(channel_.send("last"));
  channel_.close();
  EXPECT_FALSE(channel_.send("late"));
  const auto batch = channel_.take();
  EXPECT_EQ(batch.bytes, "last");
  EXPECT_TRUE(batch.closing);
  StreamChannel other(inbox_, 8, 100);
  other.shut();
  EXPECT_FALSE(other.send("x"));
}

TEST(InboxTest, ClosedItDropsWhatItHadAndGets) {
  Inbox inbox;
  EXPECT_TRUE(inbox.post(Drain{}));
  inbox.close();
  EXPECT_FALSE(inbox.post(Drain{}));
  EXPECT_TRUE(inbox.take().empty());
}

}  // namespace
}  // namespace holdfast::http
