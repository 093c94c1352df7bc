// Signals, removal, and which stopped containers are kept.
#include "tests/unit/docker/world.h"

namespace holdfast::docker {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::IsEmpty;

class Stop : public test::World {
 protected:
  void SetUp() override {
    boot();
    declare({web()});
    ASSERT_TRUE(start(web(), 1));
  }
};

TEST_F(Stop, SendsTheSignalAndSaysSince) {
  engine_.make_deaf(id_of());
  ASSERT_TRUE(stop(1));
  EXPECT_EQ(seen(), "1 Stopping");
  const auto since = runtime_->observe("web")->instances[0].stopping_since;
  EXPECT_EQ(since, clock_.now());
  clock_.advance(std::chrono::seconds{5});
  ASSERT_TRUE(stop(1));
  EXPECT_EQ(runtime_->observe("web")->instances[0].stopping_since, since);
  ASSERT_TRUE(kill(1));
  EXPECT_EQ(seen(), "1 Exited: killed by signal 9 (KILL)");
  EXPECT_THAT(engine_.signals("holdfast-web-0"), ElementsAre(15, 15, 9));
}

TEST_F(Stop, IsRememberedByTheNextController) {
  engine_.make_deaf(id_of());
  ASSERT_TRUE(stop(1));
  boot();
  declare({web()});
  EXPECT_EQ(seen(), "1 Stopping");
}

TEST_F(Stop, TermIsTheImagesOwnSignal) {
  engine_.edit(id_of(), [](Json& document) { document.find("Config")->set("StopSignal", 3); });
  engine_.make_deaf(id_of());
  ASSERT_TRUE(stop(1));
  ASSERT_TRUE(stop(1, 2));
  ASSERT_TRUE(stop(1, 9));
  EXPECT_THAT(engine_.signals("holdfast-web-0"), ElementsAre(3, 2, 9));
}

TEST_F(Stop, WhatIsPausedGoesOnToEnd) {
  engine_.pause(id_of());
  EXPECT_EQ(seen(), "1 Running");
  ASSERT_TRUE(stop(1));
  EXPECT_EQ(seen(), "1 Exited: killed by signal 15 (TERM)");
  EXPECT_EQ(client_->calls("unpause"), 1);
}

TEST_F(Stop, OfAnotherRunDoesNothing) {
  for (const std::uint64_t incarnation : {0u, 2u}) {
    EXPECT_TRUE(stop(incarnation));
    EXPECT_TRUE(kill(incarnation));
  }
  EXPECT_TRUE(remove(web(), 0));
  EXPECT_THAT(engine_.signals("holdfast-web-0"), IsEmpty());
  EXPECT_EQ(seen(), "1 Running");
}

TEST_F(Stop, OfWhatHasEndedOrIsGoneIsASuccess) {
  engine_.exit(id_of(), 0);
  EXPECT_TRUE(stop(1));
  EXPECT_TRUE(kill(1));
  engine_.destroy(id_of());
  EXPECT_TRUE(stop(1));
  EXPECT_TRUE(kill(1));
  EXPECT_TRUE(remove(web(), 1));
  EXPECT_EQ(seen(), "");
}

TEST_F(Stop, RemovalOfWhatRunsIsAConflict) {
  EXPECT_EQ(remove(web(), 1).error().code, ErrorCode::kConflict);
  EXPECT_EQ(seen(), "1 Running");
}

// ---- what is kept

TEST_F(Stop, RemovedButDeclaredItIsKeptForItsNextStart) {
  const auto id = id_of();
  engine_.exit(id, 0);
  ASSERT_TRUE(remove(web(), 1));
  EXPECT_EQ(seen(), "");
  declare({web()});
  boot();
  declare({web()});
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(id_of(), id);
  ASSERT_TRUE(start(web(), 2));
  EXPECT_EQ(id_of(), id);
  EXPECT_EQ(seen(), "2 Running");
}

TEST_F(Stop, RemovedAndNotDeclaredItIsGone) {
  engine_.exit(id_of(), 0);
  ASSERT_TRUE(runtime_->execute(RemoveInstance{.id = {"web", 0}, .incarnation = 1, .reason = {}}, {}));
  EXPECT_THAT(engine_.names(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(record_path()));
}

TEST_F(Stop, KeptItGoesWithItsDeclaration) {
  engine_.exit(id_of(), 0);
  ASSERT_TRUE(remove(web(), 1));
  declare({});
  EXPECT_TRUE(test::wait_until([&] { return engine_.names().empty(); }));
}

TEST_F(Stop, KeptItGoesWithItsOrdinal) {
  auto two = web();
  two.replicas = 2;
  declare({two});
  ASSERT_TRUE(start(two, 1, 1));
  for (const int ordinal : {0, 1}) {
    engine_.exit(container_name("holdfast-", {"web", ordinal}), 0);
    ASSERT_TRUE(remove(two, 1, ordinal));
  }
  declare({two});
  EXPECT_THAT(engine_.names(), ElementsAre("holdfast-web-0", "holdfast-web-1"));
  declare({web()});
  EXPECT_TRUE(test::wait_until([&] { return engine_.names().size() == 1; }));
  EXPECT_THAT(engine_.names(), ElementsAre("holdfast-web-0"));
}

TEST_F(Stop, KeptItGoesWhenItMovesToAnotherRuntime) {
  engine_.exit(id_of(), 0);
  ASSERT_TRUE(remove(web(), 1));
  auto process = web();
  process.runtime = RuntimeKind::kProcess;
  declare({process});
  EXPECT_TRUE(test::wait_until([&] { return engine_.names().empty(); }));
}

TEST_F(Stop, KeptAndStartedByOthersItIsNotRemoved) {
  engine_.exit(id_of(), 0);
  ASSERT_TRUE(remove(web(), 1));
  ASSERT_TRUE(engine_.start("holdfast-web-0"));
  declare({});
  EXPECT_EQ(seen(), "2 Running");
  EXPECT_THAT(*runtime_->list_owned(), ElementsAre("web"));
}

// A stop that is not followed by a removal: its exit is still to be told of.
TEST_F(Stop, WhatHasEndedIsOwnedUntilItIsRemoved) {
  engine_.exit(id_of(), 0);
  declare({});
  EXPECT_THAT(*runtime_->list_owned(), ElementsAre("web"));
  EXPECT_THAT(engine_.names(), ElementsAre("holdfast-web-0"));
}

TEST_F(Stop, ARemovalWhoseAnswerIsLostIsDoneAgain) {
  engine_.exit(id_of(), 0);
  client_->fail_next("remove", error_of(ErrorCode::kTimeout), true);
  const RemoveInstance removal{.id = {"web", 0}, .incarnation = 1, .reason = {}};
  EXPECT_FALSE(runtime_->execute(removal, {}));
  EXPECT_TRUE(runtime_->execute(removal, {}));
  EXPECT_EQ(seen(), "");
  EXPECT_FALSE(std::filesystem::exists(record_path()));
}

}  // namespace
}  // namespace holdfast::docker
