// What people do to containers behind Holdfast's back.
#include "tests/integration/docker/fixture.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;

TEST_F(DockerTest, AContainerRemovedByHandIsGoneAndMadeAnew) {
  const auto web = runs_on("web");
  start_running(web);
  bench_.by_hand({"rm", "--force", name("web")});
  EXPECT_TRUE(is_told("web"));
  EXPECT_FALSE(bench_.see("web"));
  ASSERT_OK(bench_.start(web, 2));
  EXPECT_TRUE(bench_.reaches("web", Phase::kRunning));
  EXPECT_EQ(bench_.see("web")->incarnation, 2u);
}

TEST_F(DockerTest, AContainerStoppedByHandHasExited) {
  start_running(runs_on("web"));
  bench_.by_hand({"stop", name("web")});
  EXPECT_TRUE(is_told("web"));
  const auto seen = bench_.see("web");
  ASSERT_TRUE(seen && seen->exit);
  EXPECT_EQ(seen->exit->signal, 15);
}

TEST_F(DockerTest, AContainerKilledByHandHasExited) {
  start_running(runs_on("web"));
  bench_.by_hand({"kill", name("web")});
  EXPECT_TRUE(is_told("web"));
  const auto seen = bench_.see("web");
  ASSERT_TRUE(seen && seen->exit);
  EXPECT_EQ(seen->exit->signal, 9);
  EXPECT_EQ(seen->exit->reason, "killed by signal 9 (KILL)");
}

TEST_F(DockerTest, APausedContainerIsNotReadyAndSaysHowToGoOn) {
  start_running(runs_on("web"));
  bench_.by_hand({"pause", name("web")});
  EXPECT_TRUE(is_told("web"));
  auto seen = bench_.see("web");
  EXPECT_EQ(seen->phase, Phase::kRunning);
  EXPECT_EQ(seen->runtime_ready, false);
  EXPECT_THAT(seen->message, HasSubstr("docker unpause " + name("web")));
  bench_.by_hand({"unpause", name("web")});
  EXPECT_EQ(bench_.see("web")->runtime_ready, std::nullopt);
}

TEST_F(DockerTest, APausedContainerStopsWhenItIsAskedTo) {
  start_running(runs_on("web"));
  bench_.by_hand({"pause", name("web")});
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  EXPECT_EQ(bench_.see("web")->exit->signal, 15);
}

TEST_F(DockerTest, ARenamedContainerIsStillTheInstance) {
  const auto web = runs_on("web");
  start_running(web);
  const auto before = bench_.see("web");
  bench_.by_hand({"rename", name("web"), name("renamed")});
  EXPECT_TRUE(is_told("web"));
  auto seen = bench_.see("web");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->pid, before->pid);
  EXPECT_THAT(seen->drift, testing::ElementsAre("name: " + name("web") + " is declared, " + name("renamed") +
                                                " is in force"));
  EXPECT_EQ(bench_.start(web, 2).error().code, ErrorCode::kConflict);  // it runs
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  ASSERT_OK(bench_.start(web, 2));  // comes back under its name
  EXPECT_TRUE(exists(name("web")));
  EXPECT_FALSE(exists(name("renamed")));
  EXPECT_THAT(bench_.see("web")->drift, testing::IsEmpty());
}

TEST_F(DockerTest, AStartByHandCountsAsARunOfItsOwn) {
  start_running(runs_on("web"));
  bench_.by_hand({"restart", "--time", "5", name("web")});
  ASSERT_TRUE(wait_until([&] {
    const auto seen = bench_.see("web");
    return seen && seen->incarnation == 2 && seen->phase == Phase::kRunning;
  }));
  const auto notes = bench_.notes();
  ASSERT_FALSE(notes.empty());
  EXPECT_EQ(notes.back().type, "StartedElsewhere");
}

TEST_F(DockerTest, AStoppedAndForgottenContainerThatIsStartedByHandIsSeen) {
  const auto web = runs_on("web");
  start_running(web);
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  ASSERT_OK(
      runtime().execute(RemoveInstance{{"web", 0}, 1, "test"}, {std::make_shared<const ServiceSpec>(web)}));
  EXPECT_FALSE(bench_.see("web"));
  EXPECT_TRUE(exists(name("web")));  // kept, with its logs
  bench_.forget();
  bench_.by_hand({"start", name("web")});
  EXPECT_TRUE(is_told("web"));
  const auto seen = bench_.see("web");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->phase, Phase::kRunning);
  EXPECT_EQ(seen->incarnation, 2u);
}

TEST_F(DockerTest, AChangedLimitIsToldFieldByFieldAndMendedByTheNextStart) {
  auto web = runs_on("web");
  web.resources.memory_bytes = 64 << 20;
  start_running(web);
  bench_.by_hand({"update", "--memory", "128m", "--memory-swap", "128m", "--cpus", "0.5", name("web")});
  EXPECT_TRUE(is_told("web"));
  EXPECT_THAT(bench_.see("web")->drift, testing::ElementsAre("memory: 64Mi is declared, 128Mi is in force",
                                                             "cpu: no limit is declared, 500m is in force"));
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  ASSERT_OK(bench_.start(web, 2));
  EXPECT_THAT(bench_.see("web")->drift, testing::IsEmpty());
}

TEST_F(DockerTest, AFullSpecHasNoDrift) {
  auto web = runs_on("web");
  web.env = {{"A", std::string("b=c")}, {"EMPTY", std::string()}};
  web.working_dir = "/tmp";
  web.user = "1000:1000";
  web.labels = {{"team", "pipeline"}};
  web.resources = {.cpu_millis = 1500, .memory_bytes = 64 << 20, .pids = 50};
  web.docker.network = "bridge";
  web.docker.ports = {"127.0.0.1:18080:80", "53/udp"};
  web.docker.volumes = {bench_.state_dir() + ":/state:ro", name("vol") + ":/vol", "/scratch"};
  web.docker.tmpfs = {"/t:size=1m"};
  web.docker.cap_add = {"NET_ADMIN"};
  web.docker.cap_drop = {"ALL"};
  web.docker.extra_hosts = {"db:10.0.0.1"};
  web.docker.group_add = {"44"};
  web.docker.security_opt = {"no-new-privileges"};
  web.docker.hostname = "web.local";
  web.docker.entrypoint = std::vector<std::string>{};
  web.docker.read_only = web.docker.init = true;
  web.docker.shm_size = 32 << 20;
  start_running(web);
  EXPECT_THAT(bench_.see("web")->drift, testing::IsEmpty());
  const auto seen = bench_.client().inspect(name("web"));
  const auto& host = (*seen)->document.at("HostConfig");
  EXPECT_EQ((*seen)->restart_policy, "no");
  EXPECT_EQ(host.at("MemorySwap").as_int(), 64 << 20);
  EXPECT_EQ((*seen)->labels.at("team"), "pipeline");
  bench_.by_hand({"rm", "--force", "--volumes", name("web")});
  bench_.by_hand({"volume", "rm", name("vol")});
}

}  // namespace
}  // namespace holdfast::test
