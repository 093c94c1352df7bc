// Following the engine's events through the docker command.
#include <atomic>
#include <mutex>

#include "tests/integration/docker_cli/engine.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

class Events : public EngineTest {
 protected:
  EventHandlers handlers() {
    return {.on_open = [this] { opened_ = true; },
            .on_event =
                [this](const ContainerEvent& event) {
                  const std::lock_guard lock(mutex_);
                  events_.push_back(event);
                },
            .on_end =
                [this](const Error& error) {
                  const std::lock_guard lock(mutex_);
                  end_ = error;
                }};
  }
  std::optional<ContainerEvent> find(const std::string& name, const std::string& action) {
    const std::lock_guard lock(mutex_);
    for (const auto& event : events_) {
      const auto at = event.attributes.find("name");
      if (event.action == action && at != event.attributes.end() && at->second == name) return event;
    }
    return std::nullopt;
  }
  std::optional<Error> end() {
    const std::lock_guard lock(mutex_);
    return end_;
  }
  void forget_end() {
    const std::lock_guard lock(mutex_);
    end_.reset();
  }
  std::atomic<bool> opened_{false};

 private:
  std::mutex mutex_;
  std::vector<ContainerEvent> events_;
  std::optional<Error> end_;
};

TEST_F(Events, TellWhatHappensFromTheOpeningOn) {
  const auto subscription = client().events(0, handlers());
  ASSERT_TRUE(test::wait_until([&] { return opened_.load(); }));
  auto spec = shell("exit 3");  // at once, with nothing that waits for the command to be subscribed
  spec.labels = {{"cli-test", "a,b=c"}};
  const auto container = name();
  const auto id = client().create(container, spec);
  ASSERT_TRUE(id && client().start(container));
  ASSERT_TRUE(test::wait_until([&] { return find(container, "die").has_value(); }));
  const auto create = find(container, "create");
  ASSERT_TRUE(create);
  EXPECT_EQ(create->id, *id);
  EXPECT_EQ(create->attributes.at("cli-test"), "a,b=c");
  EXPECT_TRUE(find(container, "start"));
  const auto die = find(container, "die");
  EXPECT_EQ(die->attributes.at("exitCode"), "3");
  EXPECT_GE(die->time_ns, create->time_ns);
  EXPECT_FALSE(end());
}

TEST_F(Events, TellWhatWasMissed) {
  const auto container = name();
  std::int64_t created_at = 0;
  {
    const auto first = client().events(0, handlers());
    ASSERT_TRUE(test::wait_until([&] { return opened_.load(); }));
    ASSERT_TRUE(client().create(container, shell("exit 0")));
    ASSERT_TRUE(test::wait_until([&] { return find(container, "create").has_value(); }));
    created_at = find(container, "create")->time_ns;
  }
  ASSERT_TRUE(client().start(container));
  wait_for_status(container, "exited");
  EXPECT_FALSE(find(container, "die")) << "nobody listened";
  const auto second = client().events(created_at, handlers());
  EXPECT_TRUE(test::wait_until([&] { return find(container, "die").has_value(); }));
}

TEST_F(Events, EndWhenNobodyAnswers) {
  auto elsewhere = options();
  elsewhere.environment = {"DOCKER_HOST=unix:///nonexistent/docker.sock"};
  const auto nobody = make_cli_client(elsewhere, clock_);
  for (const std::int64_t since : {0, 1}) {
    forget_end();
    const auto subscription = nobody->events(since, handlers());
    ASSERT_TRUE(test::wait_until([&] { return end().has_value(); }));
    EXPECT_EQ(end()->code, ErrorCode::kUnavailable) << end()->message;
    EXPECT_FALSE(opened_);
  }
}

TEST_F(Events, LeaveNothingBehind) {
  for (int i = 0; i < 4; ++i) {
    opened_ = false;
    const auto subscription = client().events(0, handlers());
    if (i % 2 == 0) {
      ASSERT_TRUE(test::wait_until([&] { return opened_.load(); }));
    }
  }
  EXPECT_FALSE(end());
}

}  // namespace
}  // namespace holdfast::docker
