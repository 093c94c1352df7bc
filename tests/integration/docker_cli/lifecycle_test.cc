// The life of a container through the docker command.
#include <csignal>

#include "runtimes/docker/cli/command.h"
#include "tests/integration/docker_cli/engine.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

using Lifecycle = EngineTest;

constexpr const char* kWaits = "trap 'exit 7' TERM; echo ready; while :; do sleep 1; done";

TEST_F(Lifecycle, NamesTheEngine) {
  const auto info = client().ping(std::chrono::seconds{30});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_TRUE(info->name.starts_with("Docker Engine ")) << info->name;
  EXPECT_EQ(info->where, "docker CLI");
  EXPECT_FALSE(info->api_version.empty());
}

TEST_F(Lifecycle, GoesFromCreatedToGone) {
  const auto container = name();
  const auto id = client().create(container, shell(kWaits));
  ASSERT_TRUE(id) << id.error().message;
  auto seen = look(container);
  EXPECT_EQ(seen.id, *id);
  EXPECT_EQ(seen.name, container);
  EXPECT_EQ(seen.status, "created");
  EXPECT_EQ(seen.started_at, "");
  EXPECT_EQ(seen.restart_policy, "no");

  ASSERT_TRUE(client().start(container));
  EXPECT_TRUE(client().start(container)) << "starting what runs is a success";
  seen = look(*id);
  EXPECT_EQ(seen.status, "running");
  EXPECT_TRUE(seen.pid);
  ASSERT_TRUE(test::wait_until([&] { return log_of(container) == "ready\n"; }));
  const auto refused = client().remove(container);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict) << refused.error().message;

  ASSERT_TRUE(client().signal(container, SIGTERM));
  wait_for_status(container, "exited");
  EXPECT_EQ(look(container).exit_code, 7);
  EXPECT_TRUE(client().signal(container, SIGTERM)) << "signalling what has ended is a success";
  EXPECT_TRUE(client().unpause(container));
  ASSERT_TRUE(client().remove(container));
  EXPECT_TRUE(client().remove(container)) << "removing what is gone is a success";
  EXPECT_TRUE(client().signal(container, SIGKILL)) << "signalling what is gone is a success";
  EXPECT_TRUE(client().unpause(container));
  const auto gone = client().inspect(container);
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_FALSE(*gone);
  const auto again = client().start(container);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound) << again.error().message;
}

TEST_F(Lifecycle, TellsWhyNothingIsCreated) {
  const auto container = name();
  auto spec = shell("true");
  ASSERT_TRUE(client().create(container, spec));
  const auto taken = client().create(container, spec);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict) << taken.error().message;
  spec.image = "holdfast/no-such-image:7";
  const auto missing = client().create(name("-b"), spec);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound) << missing.error().message;
  EXPECT_NE(missing.error().message.find("No such image"), std::string::npos) << "it must not try to pull";
  spec.image = "--privileged";
  const auto flag = client().create(name("-c"), spec);
  ASSERT_FALSE(flag);
  EXPECT_EQ(flag.error().code, ErrorCode::kInvalid) << flag.error().message;
}

TEST_F(Lifecycle, TellsWhyNothingIsStarted) {
  const auto container = name();
  auto spec = shell("true");
  spec.entrypoint = {{"/no/such/program"}};
  ASSERT_TRUE(client().create(container, spec));
  const auto started = client().start(container);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kInvalid);
  EXPECT_NE(started.error().message.find("/no/such/program"), std::string::npos) << started.error().message;
  EXPECT_EQ(look(container).status, "created");
}

TEST_F(Lifecycle, RefusesNamesThatAreFlags) {
  for (const std::string bad : {"-f", "--help", "", "a/b", "a:b", "a b"}) {
    EXPECT_EQ(client().inspect(bad).error().code, ErrorCode::kInvalid) << bad;
    EXPECT_EQ(client().create(bad, shell("true")).error().code, ErrorCode::kInvalid) << bad;
    EXPECT_EQ(client().remove(bad).error().code, ErrorCode::kInvalid) << bad;
    EXPECT_EQ(client().exec(bad, {"true"}, std::chrono::minutes{1}).error().code, ErrorCode::kInvalid) << bad;
    EXPECT_EQ(client().logs(bad, false, {}).error().code, ErrorCode::kInvalid) << bad;
    EXPECT_EQ(client().upload(bad, "/", "x").error().code, ErrorCode::kInvalid) << bad;
  }
}

TEST_F(Lifecycle, ListsByLabelWhateverTheLabelsHold) {
  auto spec = shell("true");
  const auto mine = name("-a");
  spec.labels = {{"cli-test", mine}, {"odd", "a=1,b=2, c"}, {"lines", "one\ntwo \"three\""}, {"empty", ""}};
  ASSERT_TRUE(client().create(mine, spec));
  spec.labels = {{"cli-test", "another"}};
  ASSERT_TRUE(client().create(name("-b"), spec));
  const auto rows = client().list("cli-test=" + mine);
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front().name, mine);
  EXPECT_EQ(rows->front().state, "created");
  EXPECT_EQ(rows->front().labels.at("odd"), "a=1,b=2, c");
  EXPECT_EQ(rows->front().labels.at("lines"), "one\ntwo \"three\"");
  EXPECT_EQ(rows->front().labels.at("empty"), "");
  const auto none = client().list("cli-test=nobody");
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none->empty());
}

TEST_F(Lifecycle, UnpausesWhatIsPaused) {
  const auto container = run(kWaits);
  Command pause{.argv = {"docker", "pause", container}, .environment = options().environment};
  ASSERT_TRUE(run_command(pause, clock_, {}));
  EXPECT_EQ(look(container).status, "paused");
  ASSERT_TRUE(client().unpause(container));
  EXPECT_EQ(look(container).status, "running");
  EXPECT_TRUE(client().unpause(container)) << "it is done already";
}

TEST_F(Lifecycle, KnowsImages) {
  const auto image = client().image(image_);
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_TRUE(*image);
  EXPECT_TRUE((*image)->id.starts_with("sha256:"));
  EXPECT_FALSE((*image)->has_health_check);
  const auto missing = client().image("holdfast/no-such-image:7");
  ASSERT_TRUE(missing) << missing.error().message;
  EXPECT_FALSE(*missing);
}

}  // namespace
}  // namespace holdfast::docker
