// A runtime that keeps its workers waiting must not keep all others waiting.
#include "controller/reconciler/turns.h"

#include <condition_variable>

#include "controller/reconciler/manager.h"
#include "runtimes/decorators.h"
#include "runtimes/fake/fake_runtime.h"
#include "tests/support/support.h"

namespace holdfast::reconciler {
namespace {

TEST(Turns, WhoeverGetsNoneIsGivenBackOnceAndInOrder) {
  Turns turns;
  EXPECT_TRUE(turns.take("without a limit"));
  EXPECT_EQ(turns.end(), std::nullopt);
  turns.set_limit(1);
  EXPECT_TRUE(turns.take("a"));
  EXPECT_FALSE(turns.take("b"));
  EXPECT_FALSE(turns.take("c"));
  EXPECT_FALSE(turns.take("b"));
  EXPECT_EQ(turns.end(), "b");
  EXPECT_TRUE(turns.take("b"));
  EXPECT_EQ(turns.end(), "c");
  EXPECT_TRUE(turns.take("c"));
  EXPECT_EQ(turns.end(), std::nullopt);
}

// Looks take until it is told to go on; not those for what was never here, of which nobody has to be asked.
class HangingRuntime final : public RuntimeDecorator {
 public:
  using RuntimeDecorator::RuntimeDecorator;
  Result<Observation> observe(const std::string& service) override {
    if (service != "web") {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !hangs_; });
      --waiting_;
    }
    return RuntimeDecorator::observe(service);
  }
  void go_on() {
    const std::lock_guard lock(mutex_);
    hangs_ = false;
    changed_.notify_all();
  }
  void wait_for_waiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = true;
  int waiting_ = 0;
};

TEST(Turns, ProcessesAreSupervisedWhileAnEngineHangs) {
  const test::TempDir dir;
  const SystemClock clock;
  EventLoop loop;
  const auto process = std::make_shared<fake::FakeRuntime>(clock);
  const auto engine = std::make_shared<fake::FakeRuntime>(clock, RuntimeKind::kDocker);
  const auto hanging = std::make_shared<HangingRuntime>(engine);
  Manager manager({.loop = loop,
                   .clock = clock,
                   .store = std::move(*state::Store::open(dir.path(), clock)),
                   .edits = std::move(*state::EditStore::open(dir.path(), clock)),
                   .runtimes = {process, hanging}},
                  {.state_dir = dir.path()});
  std::string yaml =
      "apiVersion: holdfast/v1\nservices:\n  web: {command: [web], restart: {backoff: {initial: 0s}}}\n";
  for (int i = 0; i < 8; ++i) yaml += "  c" + std::to_string(i) + ": {runtime: docker, docker: {image: x}}\n";
  ASSERT_TRUE(manager.reload({{"base", "/etc/holdfast.yaml", yaml}}).empty());
  manager.start(2);
  hanging->wait_for_waiting(2);
  const auto incarnation = [&] {
    const auto status = manager.service("web");
    return status && status->ready ? status->instances.at(0).observed.incarnation : 0;
  };
  EXPECT_TRUE(test::wait_until([&] { return incarnation() == 1; }));
  process->crash({"web", 0});
  process->tick();
  EXPECT_TRUE(test::wait_until([&] { return incarnation() == 2; }));
  hanging->go_on();
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(test::wait_until([&] {
      const auto status = manager.service("c" + std::to_string(i));
      return status && status->ready;
    })) << i;
  }
  manager.stop();
}

}  // namespace
}  // namespace holdfast::reconciler
