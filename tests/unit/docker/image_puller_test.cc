// When images are pulled, and who is told.
#include "runtimes/docker/image_puller.h"

#include "tests/fakes/fake_docker_client.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

using namespace std::chrono_literals;
using holdfast::test::FakeDockerClient;
using holdfast::test::FakeDockerEngine;
using holdfast::test::SimClock;
using holdfast::test::wait_until;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Puller : public testing::Test {
 protected:
  Puller() {
    auto client = std::make_unique<FakeDockerClient>(engine_);
    client_ = client.get();
    link_ = std::make_unique<EngineLink>(std::move(client), nullptr, LinkOptions{.relist = 1h});
    link_->start(
        {.on_list = [](Client&) {}, .on_event = [](const ContainerEvent&) {}, .on_availability = {}});
    puller_ = std::make_unique<ImagePuller>(*link_, clock_);
    puller_->on_note([this](const RuntimeNote& note) {
      const std::lock_guard lock(mutex_);
      notes_.push_back(note.service + " " + note.type + " " + note.severity + ": " + note.message);
    });
    puller_->on_change([this](const std::string& service) {
      const std::lock_guard lock(mutex_);
      ++changes_[service];
    });
    EXPECT_TRUE(wait_until([&] { return link_->availability().available; }));
  }
  static ServiceSpec spec(const std::string& policy, const std::string& name = "web") {
    ServiceSpec spec;
    spec.name = name;
    spec.spec_hash = "hash";
    spec.docker.image = "web:1";
    spec.docker.pull_policy = policy;
    return spec;
  }
  // "" once it may start, what is waited for, or "! " and the error.
  std::string prepare(const ServiceSpec& spec, std::uint64_t nonce = 0) {
    const auto prepared = puller_->prepare(spec, nonce);
    return prepared ? prepared->waiting_for : "! " + prepared.error().message;
  }
  // Waits until the puller says that there is something to ask for.
  bool wait_for_change(int times, const std::string& service = "web") {
    return wait_until([&] {
      const std::lock_guard lock(mutex_);
      return changes_[service] >= times;
    });
  }
  std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  int pulls() { return client_->calls("pull"); }

  SimClock clock_;
  FakeDockerEngine engine_{clock_};
  FakeDockerClient* client_ = nullptr;
  std::mutex mutex_;
  std::vector<std::string> notes_;
  std::map<std::string, int> changes_;
  std::unique_ptr<EngineLink> link_;
  std::unique_ptr<ImagePuller> puller_;
};

TEST_F(Puller, NeverTakesWhatIsThereOrSaysWhatToDo) {
  engine_.images().publish("web:1", "sha256:1");
  const auto missing = puller_->prepare(spec("never"), 0);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().hint, HasSubstr("pullPolicy: ifNotPresent"));
  engine_.images().put("web:1", "sha256:1");
  EXPECT_EQ(prepare(spec("never")), "");
  EXPECT_EQ(pulls(), 0);
}

TEST_F(Puller, IfNotPresentPullsOnlyWhatIsMissing) {
  engine_.images().publish("web:1", "sha256:1");
  EXPECT_EQ(prepare(spec("ifNotPresent")), "the image web:1: pulling");
  ASSERT_TRUE(wait_for_change(1));
  EXPECT_EQ(prepare(spec("ifNotPresent")), "");
  EXPECT_EQ(prepare(spec("ifNotPresent"), 1), "");
  EXPECT_EQ(pulls(), 1);
  EXPECT_THAT(notes(), ElementsAre("web Pulling info: pulling the image web:1",
                                   "web Pulled info: the image web:1 was pulled"));
}

TEST_F(Puller, IfNotPresentPullsAgainWhatWasRemoved) {
  engine_.images().publish("web:1", "sha256:1");
  prepare(spec("ifNotPresent"));
  ASSERT_TRUE(wait_for_change(1));
  EXPECT_EQ(prepare(spec("ifNotPresent")), "");
  engine_.images().take("web:1");
  EXPECT_EQ(prepare(spec("ifNotPresent")), "the image web:1: pulling");
  ASSERT_TRUE(wait_for_change(2));
  EXPECT_EQ(prepare(spec("ifNotPresent")), "");
}

TEST_F(Puller, AlwaysPullsOnceForEachSpecAndRestart) {
  engine_.images().put("web:1", "sha256:old");
  engine_.images().publish("web:1", "sha256:new");
  auto always = spec("always");
  EXPECT_EQ(prepare(always), "the image web:1: pulling");
  ASSERT_TRUE(wait_for_change(1));
  EXPECT_EQ(prepare(always), "");
  EXPECT_EQ(prepare(always), "");  // after a crash
  EXPECT_EQ(pulls(), 1);
  EXPECT_EQ(prepare(always, 1), "the image web:1: pulling");  // an operator's restart
  ASSERT_TRUE(wait_for_change(2));
  EXPECT_EQ(prepare(always, 1), "");
  always.spec_hash = "changed";
  EXPECT_EQ(prepare(always, 1), "the image web:1: pulling");
  ASSERT_TRUE(wait_for_change(3));
  EXPECT_EQ(prepare(always, 1), "");
  EXPECT_EQ(pulls(), 3);
}

TEST_F(Puller, AlwaysDoesNotPullWhatAnEarlierControllerPulled) {
  engine_.images().put("web:1", "sha256:1");
  puller_->count_as_pulled(spec("always"), 3);
  EXPECT_EQ(prepare(spec("always"), 3), "");
  EXPECT_EQ(pulls(), 0);
  EXPECT_THAT(prepare(spec("always"), 4), HasSubstr("pulling"));
  ASSERT_TRUE(wait_for_change(1));
  EXPECT_EQ(prepare(spec("always"), 4), "");
  puller_->count_as_pulled(spec("always"), 3);  // a run of before the restart is still there
  EXPECT_EQ(prepare(spec("always"), 4), "");
}

TEST_F(Puller, AFailureIsToldOnceAndThenTriedAgain) {
  EXPECT_THAT(prepare(spec("ifNotPresent")), HasSubstr("pulling"));
  ASSERT_TRUE(wait_for_change(1));
  EXPECT_EQ(prepare(spec("ifNotPresent")), "! manifest for web:1 not found");
  EXPECT_THAT(notes().back(),
              "web PullFailed warning: the image web:1 could not be pulled: manifest for web:1 not found");
  engine_.images().publish("web:1", "sha256:1");
  EXPECT_THAT(prepare(spec("ifNotPresent")), HasSubstr("pulling"));
  ASSERT_TRUE(wait_for_change(2));
  EXPECT_EQ(prepare(spec("ifNotPresent")), "");
  EXPECT_EQ(pulls(), 2);
}

TEST_F(Puller, AlwaysTakesWhatIsThereIfTheRegistryFails) {
  engine_.images().put("web:1", "sha256:old");
  EXPECT_THAT(prepare(spec("always")), HasSubstr("pulling"));
  ASSERT_TRUE(wait_for_change(1));
  EXPECT_EQ(prepare(spec("always")), "");
  EXPECT_THAT(notes().back(), StartsWith("web PullFailed warning: "));
  EXPECT_EQ(prepare(spec("always")), "");  // nor is it tried at every restart
  EXPECT_EQ(pulls(), 1);
}

TEST_F(Puller, ServicesWaitForOnePull) {
  engine_.images().publish("web:1", "sha256:1");
  engine_.images().hold_pulls(true);
  EXPECT_THAT(prepare(spec("ifNotPresent", "a")), HasSubstr("pulling"));
  EXPECT_THAT(prepare(spec("ifNotPresent", "b")), HasSubstr("pulling"));
  EXPECT_THAT(prepare(spec("always", "c")), HasSubstr("pulling"));
  EXPECT_THAT(prepare(spec("ifNotPresent", "a")), HasSubstr("pulling"));
  engine_.images().hold_pulls(false);
  for (const auto* name : {"a", "b", "c"}) ASSERT_TRUE(wait_for_change(1, name));
  EXPECT_EQ(prepare(spec("ifNotPresent", "a")), "");
  EXPECT_EQ(prepare(spec("ifNotPresent", "b")), "");
  EXPECT_EQ(prepare(spec("always", "c")), "");
  EXPECT_EQ(pulls(), 1);
}

TEST_F(Puller, EachOfThemHearsOfAFailure) {
  engine_.images().hold_pulls(true);
  prepare(spec("ifNotPresent", "a"));
  prepare(spec("ifNotPresent", "b"));
  engine_.images().hold_pulls(false);
  for (const auto* name : {"a", "b"}) ASSERT_TRUE(wait_for_change(1, name));
  EXPECT_THAT(prepare(spec("ifNotPresent", "a")), StartsWith("! manifest"));
  EXPECT_THAT(prepare(spec("ifNotPresent", "b")), StartsWith("! manifest"));
  EXPECT_EQ(pulls(), 1);
}

// One that came first asks again before the other has heard.
TEST_F(Puller, ANewPullMayBeginBeforeAllHaveHeardOfTheLast) {
  engine_.images().hold_pulls(true);
  prepare(spec("ifNotPresent", "a"));
  prepare(spec("ifNotPresent", "b"));
  engine_.images().hold_pulls(false);
  ASSERT_TRUE(wait_for_change(1, "a"));
  EXPECT_THAT(prepare(spec("ifNotPresent", "a")), StartsWith("! manifest"));
  engine_.images().publish("web:1", "sha256:1");
  EXPECT_THAT(prepare(spec("ifNotPresent", "a")), HasSubstr("pulling"));
  ASSERT_TRUE(wait_for_change(2, "a"));
  EXPECT_EQ(prepare(spec("ifNotPresent", "a")), "");
  EXPECT_EQ(prepare(spec("ifNotPresent", "b")), "");
}

TEST_F(Puller, TellsOfItsProgressNowAndThen) {
  engine_.images().publish("web:1", "sha256:1");
  engine_.images().hold_pulls(true);
  prepare(spec("ifNotPresent"));
  engine_.images().progress("web:1", {.message = "downloading", .fraction = 0.25});
  EXPECT_EQ(prepare(spec("ifNotPresent")), "the image web:1: downloading (25 %)");
  EXPECT_THAT(notes(), ElementsAre(HasSubstr("Pulling")));  // not every step is news
  clock_.advance(5s);
  engine_.images().progress("web:1", {.message = "downloading", .fraction = 0.5});
  EXPECT_EQ(notes().back(), "web PullProgress info: pulling the image web:1: downloading (50 %)");
  EXPECT_TRUE(wait_for_change(1));
  clock_.advance(5s);
  engine_.images().progress("web:1", {.message = "downloading", .fraction = 0.5});  // no progress
  engine_.images().progress("web:1", {.message = "extracting", .fraction = {}});
  EXPECT_EQ(notes().back(), "web PullProgress info: pulling the image web:1: extracting");
  EXPECT_EQ(notes().size(), 3u);
  engine_.images().hold_pulls(false);
  ASSERT_TRUE(wait_for_change(3));
  EXPECT_EQ(prepare(spec("ifNotPresent")), "");
}

TEST_F(Puller, EndsPullsWithItself) {
  engine_.images().hold_pulls(true);
  prepare(spec("ifNotPresent"));
  ASSERT_TRUE(wait_until([&] { return engine_.images().pulling("web:1"); }));
  puller_.reset();
  EXPECT_FALSE(engine_.images().pulling("web:1"));
  EXPECT_THAT(notes(), ElementsAre(HasSubstr("Pulling")));
}

TEST_F(Puller, AsksNobodyWhoDoesNotAnswer) {
  client_->cut({.code = ErrorCode::kUnavailable, .message = "connection refused", .hint = {}});
  EXPECT_EQ(prepare(spec("ifNotPresent")), "! connection refused");
  EXPECT_THAT(notes(), IsEmpty());
}

}  // namespace
}  // namespace holdfast::docker
