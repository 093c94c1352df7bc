// Which client is in use, with two ways to engines in memory that come and go.
#include "runtimes/docker/engine_link.h"

#include "controller/base/file.h"
#include "tests/fakes/fake_docker_client.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

using namespace std::chrono_literals;
using holdfast::test::FakeDockerClient;
using holdfast::test::FakeDockerEngine;
using holdfast::test::SimClock;
using holdfast::test::TempDir;
using holdfast::test::wait_until;
using testing::AllOf;
using testing::HasSubstr;

Error refused() {
  return {.code = ErrorCode::kUnavailable, .message = "connection refused", .hint = {}};
}
Error hung() {
  return {.code = ErrorCode::kTimeout, .message = "no answer within 3 s", .hint = {}};
}

class Link : public testing::Test {
 protected:
  // Retries are quick, and nothing is listed but for a reason.
  Link() {
    options_.first_retry = options_.max_retry = 1ms;
    options_.relist = 1h;
    options_.identity_file = dir_ / "engine";
  }
  void make_engine(FakeDockerEngine& engine) {
    auto client = std::make_unique<FakeDockerClient>(engine);
    engine_ = client.get();
    owned_engine_ = std::move(client);
  }
  void make_cli(FakeDockerEngine& engine) {
    auto client = std::make_unique<FakeDockerClient>(engine, "docker CLI");
    cli_ = client.get();
    owned_cli_ = std::move(client);
  }
  void start() {
    link_ = std::make_unique<EngineLink>(std::move(owned_engine_), std::move(owned_cli_), options_);
    link_->start({.on_list = [this](Client& client) { note_list(client); },
                  .on_event =
                      [this](const ContainerEvent& event) {
                        const std::lock_guard lock(mutex_);
                        events_.push_back(event.action);
                      },
                  .on_availability =
                      [this] {
                        const std::lock_guard lock(mutex_);
                        told_.push_back(link_->availability().mode);
                      }});
  }
  void note_list(const Client& client) {
    const std::lock_guard lock(mutex_);
    ++lists_;
    listed_with_ = &client;
  }
  bool wait_for_mode(const std::string& mode) {
    return wait_until([&] {
      const auto now = link_->availability();
      return now.known && now.mode == mode;
    });
  }
  int lists() {
    const std::lock_guard lock(mutex_);
    return lists_;
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  std::vector<std::string> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  Status ask() {
    return link_->call([](Client& client) -> Status {
      const auto found = client.inspect("web");
      return found ? Status{} : Status(fail(found.error()));
    });
  }

  TempDir dir_;
  SimClock clock_;
  FakeDockerEngine one_{clock_, "engine-1"}, other_{clock_, "engine-2"};
  LinkOptions options_;
  std::unique_ptr<Client> owned_engine_, owned_cli_;
  FakeDockerClient *engine_ = nullptr, *cli_ = nullptr;

  std::mutex mutex_;
  std::vector<std::string> told_, events_;
  int lists_ = 0;
  const Client* listed_with_ = nullptr;
  std::unique_ptr<EngineLink> link_;
};

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
  EXPECT_TRUE(wait_until([&] { return one_.subscribers() == 1; }));
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

TEST_F(Link, EventsThatEndAreAskedForAgainWithAnOverlapAndAllIsListed) {
  make_engine(one_);
  start();
  ASSERT_TRUE(wait_until([&] { return lists() > 0; }));
  one_.tell({.action = "start", .id = "a", .attributes = {}, .time_ns = 100'000'000'000});
  EXPECT_EQ(events(), (std::vector<std::string>{"start"}));
  const int before = lists();
  engine_->end_events({.code = ErrorCode::kUnavailable, .message = "the stream ended", .hint = {}});
  one_.tell({.action = "die", .id = "a", .attributes = {}, .time_ns = 101'000'000'000});  // nobody listens
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
  one_.tell({.action = "start", .id = "a"});
  engine_->cut(refused());
  EXPECT_EQ(lists(), before);
  EXPECT_EQ(events(), (std::vector<std::string>{}));
  EXPECT_EQ(one_.subscribers(), 0);
}

}  // namespace
}  // namespace holdfast::docker
