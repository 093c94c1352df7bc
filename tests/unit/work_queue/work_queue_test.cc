#include "controller/reconciler/work_queue.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace holdfast::reconciler {
namespace {

using namespace std::chrono_literals;

class WorkQueueTest : public testing::Test {
 protected:
  std::vector<std::string> pop_all() {
    std::vector<std::string> out;
    while (auto key = queue_.try_pop()) out.push_back(*key);
    return out;
  }

  test::SimClock clock_;
  WorkQueue queue_{clock_, RetryPolicy{.base = 100ms, .max = 1s, .jitter = 0.5}, 1};
};

TEST_F(WorkQueueTest, GivesKeysInTheOrderTheyBecameDue) {
  queue_.add_after("late", 2s);
  queue_.add("first");
  queue_.add("second");
  EXPECT_EQ(pop_all(), (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(queue_.next_due(), clock_.now() + 2s);
  clock_.advance(2s);
  EXPECT_EQ(pop_all(), (std::vector<std::string>{"late"}));
  EXPECT_EQ(queue_.next_due(), std::nullopt);
}

TEST_F(WorkQueueTest, KeepsOneEntryPerKeyWithTheEarliestDueTime) {
  queue_.add_after("web", 10s);
  queue_.add_after("web", 1s);
  queue_.add_after("web", 5s);
  EXPECT_EQ(queue_.next_due(), clock_.now() + 1s);
  EXPECT_EQ(queue_.stats().delayed, 1u);
  clock_.advance(1s);
  EXPECT_EQ(pop_all(), (std::vector<std::string>{"web"}));
  queue_.done("web");
  clock_.advance(1h);
  EXPECT_EQ(queue_.try_pop(), std::nullopt);
}

TEST_F(WorkQueueTest, NeverGivesAKeyThatIsBeingWorkedOn) {
  queue_.add("web");
  ASSERT_EQ(queue_.try_pop(), "web");
  queue_.add("web");
  queue_.add("web");
  EXPECT_EQ(queue_.try_pop(), std::nullopt);
  EXPECT_EQ(queue_.next_due(), std::nullopt);
  queue_.done("web");
  EXPECT_EQ(queue_.try_pop(), "web");
  queue_.done("web");
  EXPECT_EQ(queue_.try_pop(), std::nullopt);
}

TEST_F(WorkQueueTest, KeepsTheEarliestOfTheTimesAddedDuringWork) {
  queue_.add("web");
  ASSERT_EQ(queue_.try_pop(), "web");
  queue_.add_after("web", 30s);
  queue_.add_after("web", 3s);
  queue_.done("web");
  EXPECT_EQ(queue_.next_due(), clock_.now() + 3s);
}

TEST_F(WorkQueueTest, BacksOffOnErrorsUntilForgotten) {
  Duration last{0};
  std::vector<Duration> delays;
  for (int i = 0; i < 8; ++i) {
    last = queue_.add_rate_limited("web");
    delays.push_back(last);
    clock_.advance(last);
    ASSERT_EQ(queue_.try_pop(), "web");
    queue_.done("web");
  }
  std::array<Duration, 8> base{100ms, 200ms, 400ms, 800ms, 1s, 1s, 1s, 1s};
  for (size_t i = 0; i < base.size(); ++i) {
    EXPECT_GE(delays[i], base[i]) << i;
    EXPECT_LE(delays[i], base[i] * 3 / 2) << i;
  }
  EXPECT_EQ(queue_.stats().retries, 8u);
  queue_.forget("web");
  EXPECT_LE(queue_.add_rate_limited("web"), 150ms);
}

TEST_F(WorkQueueTest, SpreadsRetries) {
  const Duration one = queue_.add_rate_limited("one");
  EXPECT_NE(one, queue_.add_rate_limited("two"));
}

TEST_F(WorkQueueTest, AnEventOvertakesABackoff) {
  queue_.add_rate_limited("web");
  queue_.add("web");
  EXPECT_EQ(queue_.try_pop(), "web");
}

TEST_F(WorkQueueTest, DropsAKey) {
  queue_.add("queued");
  queue_.drop("queued");
  queue_.drop("never heard of");
  EXPECT_EQ(queue_.try_pop(), std::nullopt);

  queue_.add("busy");
  ASSERT_EQ(queue_.try_pop(), "busy");
  queue_.add("busy");
  queue_.drop("busy");
  queue_.done("busy");
  EXPECT_EQ(queue_.try_pop(), std::nullopt);
}

TEST_F(WorkQueueTest, CountsWhatItHolds) {
  queue_.add("a");
  queue_.add("b");
  queue_.add("b");
  queue_.add_after("c", 1s);
  ASSERT_TRUE(queue_.try_pop());
  const auto stats = queue_.stats();
  EXPECT_EQ(stats.depth, 1u);
  EXPECT_EQ(stats.delayed, 1u);
  EXPECT_EQ(stats.processing, 1u);
  EXPECT_EQ(stats.adds, 4u);
  EXPECT_EQ(stats.retries, 0u);
}

TEST_F(WorkQueueTest, AWaitingWorkerFollowsASimulatedClock) {
  queue_.add_after("web", 1h);
  std::optional<std::string> got;
  std::jthread worker([&](const std::stop_token& stop) { got = queue_.pop(stop); });
  clock_.advance(1h);
  // The worker may begin to wait only after this wake; the queue looks at the clock before it waits.
  queue_.wake();
  worker.join();
  EXPECT_EQ(got, "web");
}

TEST_F(WorkQueueTest, StopEndsTheWait) {
  std::optional<std::string> got = "nothing yet";
  std::jthread worker([&](const std::stop_token& stop) { got = queue_.pop(stop); });
  worker.request_stop();
  worker.join();
  EXPECT_EQ(got, std::nullopt);
}

TEST(WorkQueueRealTime, WakesWhenTheHeadIsDueAlsoIfItMovesForward) {
  const SystemClock clock;
  WorkQueue queue(clock);
  queue.add_after("far", 1h);
  std::vector<std::string> got;
  const MonoTime begin = clock.now();
  std::jthread worker([&](const std::stop_token& stop) {
    for (int i = 0; i < 2; ++i)
      if (auto key = queue.pop(stop)) got.push_back(*key);
  });
  queue.add_after("near", 20ms);
  queue.add_after("nearer", 10ms);
  worker.join();
  EXPECT_GE(clock.now() - begin, 20ms);
  EXPECT_THAT(got, testing::UnorderedElementsAre("nearer", "near"));
}

// Many producers and workers: no key is ever worked on twice at once, and each is worked on after its last
// add.
TEST(WorkQueueRealTime, HoldsItsPromisesUnderLoad) {
  constexpr size_t kKeys = 16;
  constexpr int kAddsPerProducer = 2000;
  const SystemClock clock;
  WorkQueue queue(clock, RetryPolicy{.base = 10us, .max = 100us});
  std::array<std::atomic<int>, kKeys> busy{};
  std::array<std::atomic<int>, kKeys> wanted{}, seen{};
  std::atomic<int> overlaps = 0;

  std::vector<std::jthread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&](const std::stop_token& stop) {
      for (int round = 0; auto key = queue.pop(stop); ++round) {
        const auto index = static_cast<size_t>(std::stoi(*key));
        if (busy[index].fetch_add(1) != 0) ++overlaps;
        seen[index] = wanted[index].load();
        --busy[index];
        if (round % 7 == 0) {
          queue.add_rate_limited(*key);
        } else {
          queue.forget(*key);
        }
        queue.done(*key);
      }
    });
  }
  {
    std::vector<std::jthread> producers;
    for (size_t p = 0; p < 4; ++p) {
      producers.emplace_back([&, p] {
        for (size_t i = 0; i < kAddsPerProducer; ++i) {
          const size_t index = (i * 5 + p) % kKeys;
          ++wanted[index];
          const std::string key = std::to_string(index);
          if (i % 3 == 0) {
            queue.add_after(key, 50us);
          } else {
            queue.add(key);
          }
        }
      });
    }
  }
  for (size_t index = 0; index < kKeys; ++index)
    EXPECT_TRUE(test::wait_until([&] { return seen[index] == wanted[index]; })) << index;
  for (auto& worker : workers) worker.request_stop();
  workers.clear();
  EXPECT_EQ(overlaps, 0);
}

}  // namespace
}  // namespace holdfast::reconciler
