// The informer's decisions, under simulated time.
#include "runtimes/kubernetes/informer/course.h"

#include "tests/support/support.h"

namespace holdfast::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Step = Course::Step;

class CourseTest : public ::testing::Test {
 protected:
  MonoTime now() { return clock_.now(); }
  // Moves on to when it wants to be asked; how long that took.
  Duration sleep() {
    const auto before = now();
    clock_.advance_to(std::max(before, course_.wake_at()));
    return now() - before;
  }
  void list(const std::string& version = "10") {
    ASSERT_EQ(course_.next(now()), Step::kList);
    course_.listed(now(), version);
  }
  void watch() {
    ASSERT_EQ(course_.next(now()), Step::kWatch);
    course_.opened(now());
  }
  static Error error(const std::string& message = "gone") { return {ErrorCode::kUnavailable, message, {}}; }

  test::SimClock clock_;
  double random_ = 1;
  Course course_{{minutes{5}, milliseconds{250}, seconds{30}}, [this] { return random_; }};
};

TEST_F(CourseTest, ListsThenWatchesFromTheVersion) {
  EXPECT_FALSE(course_.synced());
  list();
  EXPECT_TRUE(course_.synced());
  EXPECT_EQ(course_.version(), "10");
  watch();
  EXPECT_EQ(course_.watch_time(), minutes{10});
  EXPECT_EQ(course_.next(now()), Step::kWait);
  course_.heard(now(), "12");
  clock_.advance(minutes{10});
  course_.ended(now(), {}, 200);
  watch();
  EXPECT_EQ(course_.version(), "12");
  EXPECT_TRUE(course_.synced());
}

TEST_F(CourseTest, AsksForWatchesOfDifferentLengths) {
  random_ = 0;
  list();
  watch();
  EXPECT_EQ(course_.watch_time(), minutes{5});
}

TEST_F(CourseTest, BacksOffWhileListsFail) {
  std::vector<Duration> pauses;
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(course_.next(now()), Step::kList);
    course_.list_failed(now(), error());
    EXPECT_EQ(course_.next(now()), Step::kWait);
    EXPECT_EQ(course_.error(), error());
    pauses.push_back(sleep());
  }
  EXPECT_EQ(pauses.front(), milliseconds{250});
  EXPECT_EQ(pauses[3], seconds{2});
  EXPECT_EQ(pauses.back(), seconds{30});
  list();
  EXPECT_TRUE(course_.synced());
  EXPECT_FALSE(course_.error());
  random_ = 0;
  watch();
  course_.ended(now(), error(), 0);
  EXPECT_EQ(sleep(), seconds{15});  // half of it, at the least
}

TEST_F(CourseTest, GoesOnFromTheVersionAfterAnError) {
  list();
  watch();
  course_.heard(now(), "11");
  course_.ended(now(), error(), 0);
  EXPECT_FALSE(course_.synced());
  EXPECT_EQ(course_.error(), error());
  EXPECT_EQ(sleep(), milliseconds{250});
  ASSERT_EQ(course_.next(now()), Step::kWatch);
  EXPECT_FALSE(course_.synced());  // nobody has answered yet
  course_.opened(now());
  EXPECT_TRUE(course_.synced());
  EXPECT_EQ(course_.version(), "11");
}

TEST_F(CourseTest, ListsAnewAfterALongOutage) {
  list();
  watch();
  Step step = Step::kWait;
  course_.ended(now(), error(), 0);
  const auto since = now();
  do {
    sleep();
    step = course_.next(now());
    if (step == Step::kWatch) course_.ended(now(), error(), 0);
  } while (step == Step::kWatch);
  EXPECT_EQ(step, Step::kList);
  EXPECT_GT(now() - since, minutes{5});
}

TEST_F(CourseTest, ListsAnewAtOnceWhenTheVersionIsTooOld) {
  list();
  watch();
  course_.ended(now(), error(), 410);
  EXPECT_TRUE(course_.synced());
  EXPECT_FALSE(course_.error());
  list("20");
  watch();
  course_.ended(now(), error(), 410);
  EXPECT_GT(sleep(), Duration::zero());  // twice in a row: with a pause
  list("30");
  for (const long status : {400L, 504L}) {
    watch();
    course_.heard(now(), {});
    course_.ended(now(), error(), status);
    EXPECT_FALSE(course_.synced());
    sleep();
    list();
  }
}

TEST_F(CourseTest, AServerThatAnswersNothingIsNotAskedWithoutAPause) {
  list();
  int watches = 0, lists = 0;
  const auto end = now() + minutes{10};
  while (now() < end) {
    const auto step = course_.next(now());
    if (step == Step::kWait) {
      sleep();
    } else if (step == Step::kList) {
      ++lists;
      course_.listed(now(), "10");
    } else {
      ++watches;
      course_.opened(now());
      course_.ended(now(), {}, 200);
    }
  }
  EXPECT_LT(watches, 40);
  EXPECT_GT(lists, 3);
  // One that speaks again is asked at once.
  for (auto step = Step::kWait; step != Step::kWatch; step = course_.next(now())) {
    if (step == Step::kList) course_.listed(now(), "10");
    sleep();
  }
  course_.opened(now());
  course_.heard(now(), "11");
  course_.ended(now(), {}, 200);
  EXPECT_EQ(course_.next(now()), Step::kWatch);
}

TEST_F(CourseTest, ReplacesAWatchThatHasStalled) {
  list();
  watch();
  clock_.advance(minutes{9});
  course_.heard(now(), "11");  // a bookmark
  const auto silence = sleep();
  EXPECT_GT(silence, minutes{10});
  EXPECT_LT(silence, minutes{11});
  EXPECT_EQ(course_.next(now()), Step::kWatch);
  EXPECT_EQ(course_.stalls(), 1u);
  EXPECT_FALSE(course_.synced());
  ASSERT_TRUE(course_.error());
  course_.opened(now());
  EXPECT_TRUE(course_.synced());
}

TEST_F(CourseTest, ReplacesAWatchThatNeverOpens) {
  list();
  ASSERT_EQ(course_.next(now()), Step::kWatch);
  EXPECT_EQ(sleep(), seconds{30});
  EXPECT_EQ(course_.next(now()), Step::kWatch);
  EXPECT_FALSE(course_.synced());
}

}  // namespace
}  // namespace holdfast::kubernetes
