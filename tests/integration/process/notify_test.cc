// sd_notify, as services that were written for systemd speak it.
#include <csignal>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

#include "controller/base/unique_fd.h"
#include "tests/integration/process/fixture.h"

namespace holdfast::test {
namespace {

class NotifyTest : public ProcessTest {};

TEST_F(NotifyTest, ReadyStatusAndWatchdogAreSeenWithoutPolling) {
  const std::string gate = world_.state_dir() + "/gate";
  ASSERT_TRUE(start("web", {"wait-for", gate, "notify", "READY=1|STATUS=serving \"x\"|WATCHDOG=1", "pause"}));
  ASSERT_TRUE(is("web", Phase::kRunning));
  EXPECT_FALSE(observe("web")->notify_ready);
  std::atomic<bool> told = false;
  runtime().on_change([&](const std::string& service) {
    if (service == "web") told = true;
  });
  ASSERT_TRUE(write_file_atomically(gate, ""));
  ASSERT_TRUE(wait_until([&] { return told.load(); }));
  ASSERT_TRUE(wait_until([&] { return observe("web")->notify_ready; }));
  ASSERT_TRUE(wait_until([&] { return observe("web")->notify_watchdog.has_value(); }));
  const auto seen = observe("web");
  EXPECT_EQ(seen->notify_status, "serving \"x\"");
  EXPECT_GE(*seen->notify_watchdog, *seen->started_at);
  world_.replace_adapter();
  EXPECT_TRUE(observe("web")->notify_ready);
  EXPECT_EQ(observe("web")->notify_status, "serving \"x\"");
  EXPECT_EQ(observe("web")->notify_watchdog, seen->notify_watchdog);
}

TEST_F(NotifyTest, AnotherMainPidIsRefusedAndToldInTheLog) {
  ASSERT_TRUE(start("web", {"notify", "MAINPID=1|READY=1", "pause"}));
  ASSERT_TRUE(wait_until([&] { return observe("web")->notify_ready; }));
  EXPECT_NE(observe("web")->pid, 1);
  EXPECT_TRUE(wait_until([&] {
    const auto said = texts("web", "stderr");
    return said.size() == 1 && said[0].find("MAINPID") != std::string::npos;
  }));
  ASSERT_TRUE(signal("web", SIGTERM));
  EXPECT_EQ(exit_of("web").signal, SIGTERM);
}

TEST_F(NotifyTest, ANewRunIsNotReadyYet) {
  ASSERT_TRUE(start("web", {"notify", "READY=1|STATUS=old", "pause"}));
  ASSERT_TRUE(wait_until([&] { return observe("web")->notify_ready; }));
  ASSERT_TRUE(kill("web"));
  exit_of("web");
  ASSERT_TRUE(start("web", {"pause"}, 2));
  EXPECT_FALSE(observe("web")->notify_ready);
  EXPECT_EQ(observe("web")->notify_status, "");
  world_.replace_adapter();
  EXPECT_FALSE(observe("web")->notify_ready);
}

TEST_F(NotifyTest, StrangersAreNotHeard) {
  const std::string gate = world_.state_dir() + "/gate";
  ASSERT_TRUE(start("web", {"wait-for", gate, "notify", "STATUS=from the service", "pause"}));
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string path = world_.run_dir("web") + "/notify.sock";
  ASSERT_LT(path.size(), sizeof name.sun_path);
  std::memcpy(name.sun_path, path.c_str(), path.size());
  const std::string text = "READY=1\nSTATUS=from a stranger";
  ASSERT_EQ(
      sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&name), sizeof name),
      static_cast<ssize_t>(text.size()));
  ASSERT_TRUE(write_file_atomically(gate, ""));
  // The service's own datagram came later, so the stranger's has been dealt with.
  ASSERT_TRUE(wait_until([&] { return !observe("web")->notify_status.empty(); }));
  EXPECT_EQ(observe("web")->notify_status, "from the service");
  EXPECT_FALSE(observe("web")->notify_ready);
}

TEST_F(NotifyTest, GrandchildrenAreHeard) {
  auto spec = ProcessWorld::spec("web", {});
  spec.argv = {"/bin/sh", "-c",
               std::string("setsid ") + HOLDFAST_TEST_SERVICE + " notify READY=1 pause & exec sleep 1000000"};
  ASSERT_TRUE(start(spec));
  EXPECT_TRUE(wait_until([&] { return observe("web")->notify_ready; }));
}

TEST_F(NotifyTest, ALongStateDirGetsAnAbstractSocket) {
  TempDir base;
  const std::string deep = base / (std::string(60, 'd') + "/" + std::string(60, 'e'));
  SystemClock clock;
  EventLoop loop;
  auto made = make_process_runtime(loop, clock, {deep, HOLDFAST_SHIM});
  ASSERT_TRUE(made) << made.error().message;
  auto spec = std::make_shared<ServiceSpec>(
      ProcessWorld::spec("web", {"env", "NOTIFY_SOCKET", "notify", "READY=1", "pause"}));
  ASSERT_TRUE((*made)->execute(StartInstance{{"web", 0}, 1, ""}, {spec}));
  const auto seen = [&] { return (*made)->observe("web")->instances[0]; };
  // No loop runs here: the flag that inotify would set is not, so the next adapter looks.
  ASSERT_TRUE(wait_until([&] {
    made = make_process_runtime(loop, clock, {deep, HOLDFAST_SHIM});
    return seen().notify_ready;
  }));
  ASSERT_TRUE((*made)->execute(KillInstance{{"web", 0}, 1, ""}, {}));
  ASSERT_TRUE(wait_until([&] { return seen().phase == Phase::kExited; }));
}

TEST_F(NotifyTest, TheWatchdogIntervalIsInTheEnvironment) {
  auto spec = ProcessWorld::spec("web", {"env", "WATCHDOG_USEC", "pause"});
  spec.health.liveness = Probe{.check = NotifyProbe{std::chrono::seconds{12}}};
  ASSERT_TRUE(start(spec));
  EXPECT_TRUE(says("web", "WATCHDOG_USEC=12000000"));
}

}  // namespace
}  // namespace holdfast::test
