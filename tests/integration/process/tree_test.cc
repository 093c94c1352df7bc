// Whatever a service forks goes with it.
#include <csignal>

#include "runtimes/process/proc.h"
#include "tests/integration/process/fixture.h"

namespace holdfast::test {
namespace {

TEST_P(TreeTest, ChildrenInSessionsOfTheirOwnEndWithTheMainProcess) {
  ASSERT_TRUE(start("web", {"spawn", "3", "escape", "3", "print", "forked", "pause"}));
  ASSERT_TRUE(says("web", "forked"));
  EXPECT_EQ(processes_of(world_, "web").size(), 7u);
  ASSERT_EQ(::kill(static_cast<pid_t>(*observe("web")->pid), SIGKILL), 0);
  EXPECT_EQ(exit_of("web").signal, SIGKILL);
  EXPECT_TRUE(processes_of(world_, "web").empty());
}

TEST_P(TreeTest, KillTakesTheWholeTree) {
  ASSERT_TRUE(start("web", {"ignore", "15", "spawn", "2", "escape", "4", "print", "forked", "pause"}));
  ASSERT_TRUE(says("web", "forked"));
  ASSERT_TRUE(kill("web"));
  EXPECT_EQ(exit_of("web").signal, SIGKILL);
  EXPECT_TRUE(processes_of(world_, "web").empty());
}

TEST_P(TreeTest, LineagesThatForkWithoutPauseAreCaught) {
  ASSERT_TRUE(start("web", {"breed", "8", "print", "forked", "pause"}));
  ASSERT_TRUE(says("web", "forked"));
  ASSERT_TRUE(kill("web"));
  EXPECT_EQ(exit_of("web").signal, SIGKILL);
  EXPECT_TRUE(processes_of(world_, "web").empty());
}

TEST_P(TreeTest, StopSignalsOnlyTheMainProcess) {
  ASSERT_TRUE(start("web", {"exit-on", "15", "7", "spawn", "2", "print", "forked", "pause"}));
  ASSERT_TRUE(says("web", "forked"));
  ASSERT_TRUE(signal("web", SIGTERM));
  EXPECT_EQ(exit_of("web").code, 7);
  EXPECT_TRUE(processes_of(world_, "web").empty());
}

TEST_P(TreeTest, AKilledShimTakesItsServiceAlong) {
  ASSERT_TRUE(start("web", {"escape", "3", "spawn", "2", "print", "forked", "pause"}));
  ASSERT_TRUE(says("web", "forked"));
  const pid_t shim = shim_of(world_, "web");
  ASSERT_GT(shim, 0);
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  const auto exit = exit_of("web");
  EXPECT_FALSE(exit.code);
  EXPECT_FALSE(exit.signal);
  EXPECT_FALSE(exit.reason.empty());
  EXPECT_TRUE(processes_of(world_, "web").empty());  // Exited is only said once they are gone
  ASSERT_TRUE(start("web", {"pause"}, 2));
  EXPECT_EQ(observe("web")->incarnation, 2u);
}

TEST_P(TreeTest, AShimKilledWhileNoControllerLooksIsFoundByTheNextOne) {
  ASSERT_TRUE(start("web", {"escape", "3", "print", "forked", "pause"}));
  ASSERT_TRUE(says("web", "forked"));
  const pid_t shim = shim_of(world_, "web");
  world_.drop_adapter();
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  world_.replace_adapter();
  EXPECT_FALSE(exit_of("web").code);
  EXPECT_TRUE(processes_of(world_, "web").empty());
  const auto at = observe("web")->exit->at;
  world_.replace_adapter();
  EXPECT_EQ(observe("web")->exit->at, at);
}

TEST_P(TreeTest, SignalsOfASessionDoNotEndTheShim) {
  ASSERT_TRUE(start("web", {"print", "up", "pause"}));
  ASSERT_TRUE(says("web", "up"));
  const pid_t shim = shim_of(world_, "web");
  for (const int number : {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGUSR2, SIGALRM})
    ASSERT_EQ(::kill(shim, number), 0);
  ASSERT_TRUE(signal("web", SIGTERM));
  EXPECT_EQ(exit_of("web").signal, SIGTERM);
}

TEST_P(TreeTest, RepeatedStopsSignalOnce) {
  // Dies of the second TERM, so that a repetition would show as another exit.
  ASSERT_TRUE(start("web", {"ignore", "15", "print", "up", "pause"}));
  ASSERT_TRUE(says("web", "up"));
  ASSERT_TRUE(signal("web", SIGTERM));
  ASSERT_TRUE(signal("web", SIGTERM));
  world_.replace_adapter();
  ASSERT_TRUE(wait_until([&] { return is("web", Phase::kStopping); }));
  const auto since = observe("web")->stopping_since;
  ASSERT_TRUE(signal("web", SIGTERM));
  EXPECT_EQ(observe("web")->stopping_since, since);
  ASSERT_TRUE(signal("web", SIGABRT));  // another signal is another request
  EXPECT_EQ(exit_of("web").signal, SIGABRT);
}

INSTANTIATE_TEST_SUITE_P(Process, TreeTest, testing::Bool(), tree_name);

}  // namespace
}  // namespace holdfast::test
