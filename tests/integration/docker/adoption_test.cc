// Containers that were there before Holdfast: started, stopped and restarted, never removed or made anew.
#include "tests/integration/docker/fixture.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;

class AdoptionTest : public DockerTest {
 protected:
  ServiceSpec adopted() {
    ServiceSpec spec;
    spec.name = "streaming";
    spec.spec_hash = "hash";
    spec.runtime = RuntimeKind::kDocker;
    spec.docker.container = name("contimg");
    return spec;
  }
  void create(std::vector<std::string> options = {}) {
    std::vector<std::string> argv{"create", "--name", name("contimg"), "--network", "none"};
    argv.insert(argv.end(), options.begin(), options.end());
    for (const char* word : {DockerBench::image(), "sh", "-c", kRunsOnScript}) argv.emplace_back(word);
    bench_.by_hand(argv);
  }
  void TearDown() override { bench_.by_hand({"rm", "--force", name("contimg")}); }
  std::string id() { return (*bench_.client().inspect(name("contimg")))->id; }
};

TEST_F(AdoptionTest, OneThatIsMissingIsNamedWithTheWayToMakeIt) {
  const auto started = bench_.start(adopted());
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(started.error().message, HasSubstr(name("contimg")));
  EXPECT_THAT(started.error().hint, HasSubstr("docker create --name " + name("contimg")));
  bench_.forget();
  create();
  EXPECT_TRUE(is_told("streaming"));  // that it is there now
  ASSERT_OK(bench_.start(adopted()));
  EXPECT_TRUE(bench_.reaches("streaming", Phase::kRunning));
}

TEST_F(AdoptionTest, AStoppedOneIsStartedStoppedAndRestarted) {
  create();
  bench_.declare({adopted()});
  EXPECT_FALSE(bench_.see("streaming"));  // nobody's failure that it doesn't run
  const auto container = id();
  ASSERT_OK(bench_.start(adopted(), 1));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kRunning));
  EXPECT_TRUE(bench_.see("streaming")->pid);
  ASSERT_OK(bench_.stop("streaming", 1));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kExited));
  ASSERT_OK(bench_.start(adopted(), 2));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kRunning));
  EXPECT_EQ(bench_.see("streaming")->incarnation, 2u);
  EXPECT_EQ(id(), container);
}

TEST_F(AdoptionTest, ARunningOneIsTakenOverAsItIs) {
  create();
  bench_.by_hand({"start", name("contimg")});
  const auto pid = (*bench_.client().inspect(name("contimg")))->pid;
  bench_.declare({adopted()});
  const auto seen = bench_.see("streaming");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->phase, Phase::kRunning);
  EXPECT_EQ(seen->pid, pid);
  EXPECT_EQ(seen->spec_hash, "hash");
  bench_.replace_adapter();
  EXPECT_EQ(bench_.see("streaming")->started_at, seen->started_at);
  EXPECT_THAT(*runtime().list_owned(), testing::ElementsAre("streaming"));
}

TEST_F(AdoptionTest, ItIsNeverRemoved) {
  create();
  ASSERT_OK(bench_.start(adopted()));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kRunning));
  ASSERT_OK(bench_.stop("streaming"));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kExited));
  const auto container = id();
  ASSERT_OK(runtime().execute(RemoveInstance{{"streaming", 0}, 1, "no longer declared"}, {}));
  EXPECT_FALSE(bench_.see("streaming"));
  bench_.undeclare("streaming");
  bench_.replace_adapter();
  EXPECT_EQ(id(), container);
}

TEST_F(AdoptionTest, AChangedSpecRestartsItAndShowsWhatItCannotChange) {
  create({"--restart", "always", "--env", "LEVEL=low"});
  auto spec = adopted();
  spec.env = {{"LEVEL", std::string("high")}};
  spec.docker.image = "another:2";
  ASSERT_OK(bench_.start(spec));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kRunning));
  const auto container = id();
  EXPECT_THAT(bench_.see("streaming")->drift,
              testing::ElementsAre(HasSubstr("image: another:2 is declared"), HasSubstr("env LEVEL"),
                                   HasSubstr("restart policy: the engine's own is always")));
  ASSERT_OK(bench_.stop("streaming"));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kExited));  // the engine's own policy doesn't bring it back
  ASSERT_OK(bench_.start(spec, 2));
  EXPECT_EQ(id(), container);
}

TEST_F(AdoptionTest, OneThatIsMadeAnewIsTakenOver) {
  create();
  ASSERT_OK(bench_.start(adopted()));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kRunning));
  bench_.by_hand({"rm", "--force", name("contimg")});
  EXPECT_FALSE(bench_.see("streaming"));
  create();
  bench_.by_hand({"start", name("contimg")});
  const auto seen = bench_.see("streaming");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->phase, Phase::kRunning);
  EXPECT_EQ(seen->incarnation, 2u);
}

TEST_F(AdoptionTest, ASwitchToAContainerOfOursLeavesItAlone) {
  create();
  ASSERT_OK(bench_.start(adopted(), 1));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kRunning));
  auto own = runs_on("streaming");
  own.spec_hash = "own";
  EXPECT_EQ(bench_.start(own, 2).error().code, ErrorCode::kConflict);
  ASSERT_OK(bench_.stop("streaming", 1));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kExited));
  ASSERT_OK(bench_.start(own, 2));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kRunning));
  EXPECT_TRUE(exists(name("contimg")));
  EXPECT_TRUE(exists(name("streaming")));
  // And back: ours goes, for nobody else wants it.
  ASSERT_OK(bench_.stop("streaming", 2));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kExited));
  ASSERT_OK(bench_.start(adopted(), 3));
  ASSERT_TRUE(bench_.reaches("streaming", Phase::kRunning));
  EXPECT_FALSE(exists(name("streaming")));
}

}  // namespace
}  // namespace holdfast::test
