// Starts: which container serves them, and what becomes of answers that get lost.
#include "controller/base/file.h"
#include "tests/unit/docker/world.h"

namespace holdfast::docker {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Start : public test::World {
 protected:
  void SetUp() override {
    boot();
    declare({web()});
  }
  void restart_controller(const ServiceSpec& spec) {
    boot();
    declare({spec});
  }
};

TEST_F(Start, MakesAContainerAndStartsIt) {
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(seen(), "1 Running");
  const auto container = engine_.look("holdfast-web-0");
  EXPECT_EQ(container.labels.at("holdfast.controller"), *read_file(dir_ / "docker/controller"));
  EXPECT_EQ(container.labels.at("holdfast.incarnation"), "1");
  const auto instance = runtime_->observe("web")->instances[0];
  EXPECT_EQ(instance.pid, container.pid);
  EXPECT_EQ(instance.spec_hash, "hash-1");
  EXPECT_THAT(instance.drift, testing::IsEmpty());
  EXPECT_EQ(client_->calls("upload"), 0);
}

TEST_F(Start, TwiceIsOnce) {
  ASSERT_TRUE(start(web(), 1));
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(client_->calls("create"), 1);
  EXPECT_EQ(client_->calls("start"), 1);
}

TEST_F(Start, OfAnotherRunWhileOneRunsIsAConflict) {
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(start(web(), 2).error().code, ErrorCode::kConflict);
}

// ---- the container

TEST_F(Start, AfterAnExitTakesTheSameContainer) {
  ASSERT_TRUE(start(web(), 1));
  const auto id = id_of();
  engine_.exit(id, 3);
  EXPECT_EQ(seen(), "1 Exited: exit code 3");
  ASSERT_TRUE(start(web(), 2));
  EXPECT_EQ(seen(), "2 Running");
  EXPECT_EQ(id_of(), id);
}

TEST_F(Start, OfAnotherSpecTakesANewContainer) {
  ASSERT_TRUE(start(web(), 1));
  const auto id = id_of();
  engine_.exit(id, 0);
  declare({web("web:2", "hash-2")});
  ASSERT_TRUE(start(web("web:2", "hash-2"), 2));
  EXPECT_EQ(seen(), "2 Running");
  EXPECT_NE(id_of(), id);
  EXPECT_EQ(engine_.look("holdfast-web-0").image, "web:2");
  EXPECT_THAT(engine_.names(), ElementsAre("holdfast-web-0"));
}

TEST_F(Start, OfANewImageUnderTheSameNameTakesANewContainer) {
  ASSERT_TRUE(start(web(), 1));
  const auto id = id_of();
  engine_.exit(id, 0);
  engine_.images().put("web:1", "sha256:rebuilt");
  ASSERT_TRUE(start(web(), 2));
  EXPECT_NE(id_of(), id);
  EXPECT_EQ(engine_.look("holdfast-web-0").image_id, "sha256:rebuilt");
}

TEST_F(Start, WhoseImageIsGoneTakesTheContainerThatIsThere) {
  ASSERT_TRUE(start(web(), 1));
  const auto id = id_of();
  engine_.exit(id, 0);
  engine_.images().take("web:1");
  ASSERT_TRUE(start(web(), 2));
  EXPECT_EQ(id_of(), id);
}

TEST_F(Start, AfterDriftTakesANewContainer) {
  ASSERT_TRUE(start(web(), 1));
  const auto id = id_of();
  engine_.edit(id, [](Json& document) { document.find("HostConfig")->set("Memory", 1 << 20); });
  EXPECT_THAT(runtime_->observe("web")->instances[0].drift,
              ElementsAre("memory: no limit is declared, 1Mi is in force"));
  EXPECT_EQ(seen(), "1 Running");  // it goes on until it is restarted
  engine_.exit(id, 0);
  ASSERT_TRUE(start(web(), 2));
  EXPECT_NE(id_of(), id);
}

TEST_F(Start, FindsItsContainerUnderAnotherName) {
  ASSERT_TRUE(start(web(), 1));
  const auto id = id_of();
  engine_.edit(id, [](Json& document) { document.set("Name", "/renamed"); });
  EXPECT_EQ(seen(), "1 Running");
  EXPECT_THAT(runtime_->observe("web")->instances[0].drift,
              ElementsAre("name: holdfast-web-0 is declared, renamed is in force"));
}

TEST_F(Start, OfWhatWasRemovedMakesANewContainer) {
  ASSERT_TRUE(start(web(), 1));
  engine_.destroy(id_of());
  EXPECT_EQ(seen(), "");
  ASSERT_TRUE(start(web(), 2));
  EXPECT_EQ(seen(), "2 Running");
}

TEST_F(Start, UnderANameThatIsTakenTouchesNothing) {
  ASSERT_TRUE(engine_.create("holdfast-web-0", {.image = "web:2"}));
  const auto id = id_of();
  EXPECT_EQ(seen(), "");
  const auto started = start(web(), 1);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kConflict);
  EXPECT_THAT(started.error().message,
              HasSubstr("is taken by a container that this controller did not make"));
  EXPECT_THAT(started.error().hint, HasSubstr("docker rename holdfast-web-0"));
  EXPECT_EQ(id_of(), id);
  EXPECT_EQ(engine_.look(id).status, "created");
}

TEST_F(Start, WithoutTheImageSaysSo) {
  const auto started = start(web("absent:1"), 1);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(seen(), "");
}

// ---- answers

TEST_F(Start, ACreateThatFailedButTookEffectIsUsed) {
  client_->fail_next("create", error_of(ErrorCode::kInternal, "500"), true);
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(seen(), "1 Running");
  EXPECT_EQ(client_->calls("create"), 1);
}

TEST_F(Start, ACreateWhoseAnswerIsLostIsUsed) {
  client_->fail_next("create", error_of(ErrorCode::kTimeout), true);
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(seen(), "1 Running");
}

// The engine went away between the create and its answer.
TEST_F(Start, ACreateWhoseOutcomeIsUnknownIsFoundLater) {
  client_->fail_next("create", error_of(ErrorCode::kTimeout), true);
  client_->fail_next("inspect", error_of(ErrorCode::kUnavailable), false, -1);
  EXPECT_FALSE(start(web(), 1));
  client_->fail_next("inspect", error_of(ErrorCode::kUnavailable), false, 1);
  EXPECT_THAT(seen(), HasSubstr("!"));
  EXPECT_EQ(seen(), "");
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(seen(), "1 Running");
  EXPECT_THAT(engine_.names(), SizeIs(1));
}

TEST_F(Start, ACreateThatFailedAndTookNoEffectIsAnError) {
  client_->fail_next("create", error_of(ErrorCode::kInternal, "disk full"));
  EXPECT_EQ(start(web(), 1).error().message, "disk full");
  EXPECT_EQ(seen(), "");
}

TEST_F(Start, WhoseAnswerIsLostIsSeenToRun) {
  client_->fail_next("start", error_of(ErrorCode::kTimeout), true);
  EXPECT_FALSE(start(web(), 1));
  EXPECT_EQ(seen(), "1 Running");
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(client_->calls("start"), 1);
}

TEST_F(Start, WhoseAnswerIsLostWithTheControllerIsSeenToRun) {
  client_->fail_next("start", error_of(ErrorCode::kTimeout), true);
  EXPECT_FALSE(start(web(), 1));
  restart_controller(web());
  EXPECT_EQ(seen(), "1 Running");
}

TEST_F(Start, ThatTookNoEffectIsTriedAgainAsOften) {
  for (int i = 0; i < 4; ++i) {
    client_->fail_next("start", error_of(ErrorCode::kUnavailable));
    EXPECT_FALSE(start(web(), 1));
    EXPECT_EQ(seen(), "");
  }
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(seen(), "1 Running");
}

TEST_F(Start, ThatTookNoEffectLeavesTheRunBefore) {
  ASSERT_TRUE(start(web(), 1));
  engine_.exit(id_of(), 3);
  for (int i = 0; i < 4; ++i) {
    client_->fail_next("start", error_of(ErrorCode::kUnavailable));
    EXPECT_FALSE(start(web(), 2)) << i;
    EXPECT_EQ(seen(), "1 Exited: exit code 3") << i;
  }
  ASSERT_TRUE(start(web(), 2));
  EXPECT_EQ(seen(), "2 Running");
}

TEST_F(Start, ThatTheEngineRefusesIsAnExit) {
  ASSERT_TRUE(start(web(), 1));
  engine_.exit(id_of(), 0);
  engine_.refuse_to_start("holdfast-web-0", "exec: \"serve\": not found");
  ASSERT_TRUE(start(web(), 2));
  EXPECT_EQ(seen(), "2 Exited: cannot start: exec: \"serve\": not found");
  restart_controller(web());
  EXPECT_EQ(seen(), "2 Exited: cannot start: exec: \"serve\": not found");
  engine_.refuse_to_start("holdfast-web-0", "");
  ASSERT_TRUE(start(web(), 3));
  EXPECT_EQ(seen(), "3 Running");
}

TEST_F(Start, ThatTheEngineRefusedCanBeForgotten) {
  client_->fail_next("start", error_of(ErrorCode::kInvalid, "no such program"));
  ASSERT_TRUE(start(web(), 1));
  EXPECT_EQ(seen(), "1 Exited: cannot start: no such program");
  ASSERT_TRUE(remove(web(), 1));
  EXPECT_EQ(seen(), "");
}

TEST_F(Start, WithoutAnEngineIsAnErrorAtOnce) {
  client_->cut(error_of(ErrorCode::kUnavailable, "connection refused"));
  ASSERT_TRUE(test::wait_until([&] { return !runtime_->availability().available; }));
  EXPECT_EQ(start(web(), 1).error().message, "connection refused");
  EXPECT_EQ(seen(), "! connection refused");
}

// ---- secrets

TEST_F(Start, HandsInSecretsEachTime) {
  ASSERT_TRUE(write_file_atomically(dir_ / "token", "first"));
  auto spec = web();
  spec.env["TOKEN"] = SecretRef{.source = SecretRef::Source::kFile, .name = dir_ / "token", .key = {}};
  ASSERT_TRUE(start(spec, 1));
  engine_.exit(id_of(), 0);
  ASSERT_TRUE(write_file_atomically(dir_ / "token", "second"));
  ASSERT_TRUE(start(spec, 2));
  EXPECT_THAT(engine_.uploads("holdfast-web-0"),
              ElementsAre(testing::AllOf(testing::StartsWith("/\nrun/secrets/TOKEN"), HasSubstr("first")),
                          HasSubstr("second")));
}

TEST_F(Start, WithoutItsSecretsDoesNotBegin) {
  auto spec = web();
  spec.env["TOKEN"] = SecretRef{.source = SecretRef::Source::kFile, .name = "/nonexistent", .key = {}};
  EXPECT_EQ(start(spec, 1).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(write_file_atomically(dir_ / "token", "x"));
  spec.env["TOKEN"] = SecretRef{.source = SecretRef::Source::kFile, .name = dir_ / "token", .key = {}};
  client_->fail_next("upload", error_of(ErrorCode::kInternal, "disk full"));
  EXPECT_EQ(start(spec, 1).error().message, "disk full");
  EXPECT_EQ(client_->calls("start"), 0);
}

}  // namespace
}  // namespace holdfast::docker
