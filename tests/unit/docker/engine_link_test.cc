// Which client is in use, with two ways to engines in memory that come and go.
#include "controller/base/file.h"
#include "tests/unit/docker/link_world.h"

namespace holdfast::docker {
namespace {

using namespace std::chrono_literals;
using test::hung;
using test::Link;
using test::refused;
using test::wait_until;
using testing::AllOf;
using testing::HasSubstr;

TEST_F(Link, KnowsNothingBeforeItBegins) {
  make_engine(one_);
  link_ = std::make_unique<EngineLink>(std::move(owned_engine_), nullptr, options_);
  EXPECT_FALSE(link_->availability().known || link_->availability().available);
  ASSERT_FALSE(ask());
  EXPECT_EQ(ask().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(engine_->calls(), 0);
}

TEST_F(Link, PrefersTheEngine) {
  make_engine(one_);
  make_cli(one_);
  start();
  ASSERT_TRUE(wait_for_mode("engine"));
  EXPECT_EQ(link_->availability().message, "Fake Engine 1 (API 1.41) at unix:///fake.sock");
  EXPECT_TRUE(link_->availability().available);
  EXPECT_TRUE(ask());
  ASSERT_TRUE(wait_until([&] { return lists() > 0; }));
  EXPECT_EQ(listed_with_, engine_);
  EXPECT_EQ(cli_->calls(), 0);
  EXPECT_EQ(read_file(dir_ / "engine"), "engine-1");
}

TEST_F(Link, FallsBackToTheCommandAndComesBack) {
  make_engine(one_);
  make_cli(one_);
  start();
  ASSERT_TRUE(wait_for_mode("engine"));
  engine_->cut(refused());
  ASSERT_TRUE(wait_for_mode("cli"));
  EXPECT_THAT(link_->availability().message,
              AllOf(HasSubstr("at docker CLI"), HasSubstr("its socket can't be used: connection refused")));
  EXPECT_TRUE(ask());
  EXPECT_GT(cli_->calls("inspect"), 0);
  ASSERT_TRUE(wait_until([&] {
    const std::lock_guard lock(mutex_);
    return listed_with_ == cli_;
  }));
  engine_->mend();
  ASSERT_TRUE(wait_for_mode("engine"));
  ASSERT_TRUE(wait_until([&] {
    const std::lock_guard lock(mutex_);
    return listed_with_ == engine_;
  }));
  EXPECT_TRUE(wait_until([&] { return one_.events().followers() == 1; }));
}

TEST_F(Link, ADeadEngineIsNoticedByItsFirstCall) {
  make_engine(one_);
  options_.first_retry = options_.max_retry = 1h;
  start();
  ASSERT_TRUE(wait_until([&] { return lists() > 0; }));
  engine_->fail_next("ping", refused(), false, 1);
  engine_->fail_next("inspect", refused());
  EXPECT_FALSE(ask());
  ASSERT_TRUE(wait_for_mode(""));
}

TEST_F(Link, TheCommandOfAnotherEngineIsRefused) {
  make_engine(one_);
  make_cli(other_);
  start();
  ASSERT_TRUE(wait_for_mode("engine"));
  engine_->cut(refused());
  ASSERT_TRUE(wait_for_mode(""));
  ASSERT_TRUE(wait_until([&] { return cli_->calls("identity") > 1; }));
  EXPECT_FALSE(link_->availability().available);
  EXPECT_EQ(cli_->calls("inspect") + cli_->calls("events"), 0);
}

TEST_F(Link, TheEngineSeenLastIsKnownAfterARestart) {
  ASSERT_TRUE(write_file_atomically(dir_ / "engine", "engine-1"));
  make_cli(other_);
  start();
  ASSERT_TRUE(wait_for_mode(""));
  link_->stop();
  make_cli(one_);
  start();
  ASSERT_TRUE(wait_for_mode("cli"));
}

// A person has chosen it: DOCKER_HOST says so.
TEST_F(Link, AnotherEngineBehindTheSocketIsTakenAndRemembered) {
  ASSERT_TRUE(write_file_atomically(dir_ / "engine", "engine-0"));
  make_engine(one_);
  start();
  ASSERT_TRUE(wait_for_mode("engine"));
  EXPECT_EQ(read_file(dir_ / "engine"), "engine-1");
}

TEST_F(Link, TheCommandAloneIsEnough) {
  options_.no_engine = {.code = ErrorCode::kInvalid, .message = "DOCKER_HOST is odd", .hint = {}};
  make_cli(one_);
  start();
  ASSERT_TRUE(wait_for_mode("cli"));
  EXPECT_THAT(link_->availability().message, HasSubstr("DOCKER_HOST is odd"));
  EXPECT_EQ(read_file(dir_ / "engine"), "engine-1");
}

TEST_F(Link, WithoutAnyItTellsWhy) {
  options_.no_engine = {.code = ErrorCode::kInvalid, .message = "DOCKER_HOST is odd", .hint = "unset it"};
  start();
  ASSERT_TRUE(wait_for_mode(""));
  EXPECT_EQ(link_->availability().message, "DOCKER_HOST is odd (unset it)");
  EXPECT_EQ(ask().error().message, "DOCKER_HOST is odd");
}

TEST_F(Link, AHungEngineCostsOneDeadline) {
  make_engine(one_);
  options_.first_retry = options_.max_retry = 1h;
  start();
  ASSERT_TRUE(wait_until([&] { return lists() > 0; }));
  engine_->cut(hung());
  EXPECT_EQ(ask().error().code, ErrorCode::kTimeout);
  ASSERT_TRUE(wait_for_mode(""));
  const int before = engine_->calls("inspect");
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ask().error().message, "no answer within 3 s");
  link_->stop();
  EXPECT_EQ(engine_->calls("inspect"), before);
  EXPECT_LE(engine_->calls("ping"), 3);  // the first, and one for each doubt: not one after the other
}

TEST_F(Link, ASocketThatIsNotOursShowsWhatToDo) {
  make_engine(one_);
  engine_->cut(
      {.code = ErrorCode::kPermission, .message = "permission denied", .hint = "join the group docker"});
  start();
  ASSERT_TRUE(wait_for_mode(""));
  EXPECT_EQ(link_->availability().message, "permission denied (join the group docker)");
  EXPECT_EQ(ask().error().hint, "join the group docker");
}

TEST_F(Link, ChangesOfAvailabilityAreToldOnce) {
  make_engine(one_);
  engine_->cut(refused());
  start();
  ASSERT_TRUE(wait_until([&] { return engine_->calls("ping") > 5; }));
  engine_->mend();
  ASSERT_TRUE(wait_for_mode("engine"));
  ASSERT_TRUE(wait_until([&] { return lists() > 0; }));
  for (int i = 0; i < 3; ++i) {  // doubts that come to nothing
    const int before = engine_->calls("ping");
    engine_->fail_next("inspect", hung());
    EXPECT_FALSE(ask());
    ASSERT_TRUE(wait_until([&] { return engine_->calls("ping") > before; }));
  }
  EXPECT_EQ(told(), (std::vector<std::string>{"", "engine"}));
}

TEST_F(Link, AnErrorThatIsAnAnswerIsNoDoubt) {
  make_engine(one_);
  start();
  ASSERT_TRUE(wait_until([&] { return lists() > 0; }));
  const int before = engine_->calls("ping");
  for (const auto code :
       {ErrorCode::kNotFound, ErrorCode::kConflict, ErrorCode::kInvalid, ErrorCode::kInternal}) {
    engine_->fail_next("inspect", {.code = code, .message = "no", .hint = {}});
    EXPECT_EQ(ask().error().code, code);
  }
  link_->list_soon();  // the thread has been round once more
  ASSERT_TRUE(wait_until([&] { return lists() > 1; }));
  EXPECT_EQ(engine_->calls("ping"), before);
}

}  // namespace
}  // namespace holdfast::docker
