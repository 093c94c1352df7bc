// One container's life against a real engine.
#include <atomic>
#include <thread>

#include "tests/integration/docker_engine/fixture.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

TEST_F(RealEngine, TellsWhoItIs) {
  const auto info = client_->ping(std::chrono::seconds{10});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_THAT(info->name, ::testing::HasSubstr("Engine "));
  EXPECT_THAT(info->api_version, ::testing::StartsWith("1."));
  EXPECT_EQ(info->where, endpoint_.where);
}

TEST_F(RealEngine, RunsAContainerFromCreationToRemoval) {
  const auto container = name();
  auto spec = labelled(shell("trap 'exit 7' TERM; while :; do sleep 1000 & wait; done"));
  spec.env["GREETING"] = "a=b=c";
  const auto id = client_->create(container, spec);
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(inspected(container).status, "created");
  ASSERT_TRUE(client_->start(container));
  ASSERT_TRUE(client_->start(container)) << "starting what runs";

  const auto running = inspected(*id);
  EXPECT_EQ(running.id, *id);
  EXPECT_EQ(running.name, container);
  EXPECT_EQ(running.status, "running");
  EXPECT_TRUE(running.pid);
  EXPECT_TRUE(running.finished_at.empty());
  EXPECT_EQ(running.restart_policy, "no");
  const auto rows = client_->list(label());
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front().id, *id);
  EXPECT_EQ(rows->front().name, container);
  EXPECT_EQ(rows->front().state, "running");
  EXPECT_EQ(rows->front().labels.count("holdfast-test"), 1u);

  const auto too_early = client_->remove(container);
  ASSERT_FALSE(too_early);
  EXPECT_EQ(too_early.error().code, ErrorCode::kConflict) << too_early.error().message;
  ASSERT_TRUE(client_->signal(container, 15));
  ASSERT_TRUE(exited(container));
  EXPECT_EQ(inspected(container).exit_code, 7);
  EXPECT_FALSE(inspected(container).finished_at.empty());
  EXPECT_TRUE(client_->signal(container, 15)) << "a signal to what doesn't run";
  EXPECT_TRUE(client_->remove(container));
  EXPECT_TRUE(client_->remove(container)) << "removing what is gone";
  EXPECT_TRUE(client_->signal(container, 9)) << "a signal to what is gone";
  const auto gone = client_->inspect(container);
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_FALSE(*gone);
}

TEST_F(RealEngine, RefusesAContainerOfAMissingImage) {
  auto spec = shell("true");
  spec.image = "holdfast-never-made:1";
  const auto id = client_->create(name(), spec);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::kNotFound) << id.error().message;
  EXPECT_THAT(id.error().hint, ::testing::HasSubstr("holdfast-never-made:1"));
}

TEST_F(RealEngine, RefusesANameThatIsTaken) {
  const auto container = name();
  ASSERT_TRUE(client_->create(container, labelled(shell("true"))));
  const auto second = client_->create(container, labelled(shell("true")));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict) << second.error().message;
}

TEST_F(RealEngine, NeverRepeatsTheEnvironmentInAnError) {
  auto spec = shell("true");
  spec.image = "holdfast-never-made:1";
  spec.env["PASSWORD"] = "hunter2";
  const auto id = client_->create(name(), spec);
  ASSERT_FALSE(id);
  EXPECT_THAT(id.error().message + id.error().hint, ::testing::Not(::testing::HasSubstr("hunter2")));
}

TEST_F(RealEngine, ReportsAStartThatFails) {
  const auto container = name();
  auto spec = labelled(shell(""));
  spec.entrypoint = std::vector<std::string>{"/no/such/program"};
  ASSERT_TRUE(client_->create(container, spec));
  const auto started = client_->start(container);
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(started.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(started.error().message, ::testing::HasSubstr("/no/such/program"));
}

TEST_F(RealEngine, LooksForImages) {
  const auto found = client_->image(image());
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(*found);
  EXPECT_FALSE((*found)->id.empty());
  EXPECT_FALSE((*found)->has_health_check);
  for (const auto* missing : {"holdfast-never-made:1", "localhost:5000/holdfast/never-made:1",
                              "a@sha256:0000000000000000000000000000000000000000000000000000000000000000"}) {
    const auto image = client_->image(missing);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_FALSE(*image);
  }
}

TEST_F(RealEngine, NamesCannotLeaveTheirPlaceInTheAddress) {
  for (const auto* odd : {"../../version", "a/../b", "a?force=1", "a%2f..", "no such", "..", "."}) {
    const auto found = client_->inspect(odd);
    EXPECT_FALSE(found && *found) << odd;
  }
}

// What was told, in order.
struct Told {
  std::mutex mutex;
  std::vector<ContainerEvent> events;
  std::atomic<bool> open{false}, ended{false};

  EventHandlers handlers() {
    return {.on_open = [this] { open = true; },
            .on_event =
                [this](const ContainerEvent& event) {
                  const std::lock_guard lock(mutex);
                  events.push_back(event);
                },
            .on_end = [this](const Error&) { ended = true; }};
  }
  bool saw(const std::string& id, const std::string& action) {
    const std::lock_guard lock(mutex);
    return std::any_of(events.begin(), events.end(),
                       [&](const auto& event) { return event.id == id && event.action == action; });
  }
};

TEST_F(RealEngine, TellsEvents) {
  Told told;
  auto subscription = client_->events(0, told.handlers());
  ASSERT_TRUE(test::wait_until([&] { return told.open.load(); })) << "open without an event";
  const auto id = run("exit 3");
  ASSERT_TRUE(test::wait_until([&] { return told.saw(id, "die"); }));
  std::int64_t before = 0;
  {
    const std::lock_guard lock(told.mutex);
    const auto die = std::find_if(told.events.begin(), told.events.end(),
                                  [&](const auto& event) { return event.id == id && event.action == "die"; });
    EXPECT_EQ(die->attributes.at("exitCode"), "3");
    EXPECT_EQ(die->attributes.count("holdfast-test"), 1u);
    before = die->time_ns;
  }
  Told later;
  auto again = client_->events(before - 1, later.handlers());
  EXPECT_TRUE(test::wait_until([&] { return later.saw(id, "die"); })) << "those since a point in time";
  EXPECT_FALSE(later.saw(id, "create"));
  subscription.reset();
  again.reset();
  EXPECT_FALSE(told.ended);
}

TEST_F(RealEngine, ASubscriptionMayOutliveTheClient) {
  Told told;
  auto subscription = client_->events(0, told.handlers());
  ASSERT_TRUE(test::wait_until([&] { return told.open.load(); }));
  client_.reset();
  EXPECT_TRUE(told.ended);
  subscription.reset();
}

TEST_F(RealEngine, AnswersManyThreadsAtOnce) {
  const auto id = run("sleep 1000");
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 20; ++k) {
          const auto found = client_->inspect(id);
          good += found && *found && (*found)->alive();
        }
      });
    }
  }
  EXPECT_EQ(good, 160);
}

}  // namespace
}  // namespace holdfast::docker
