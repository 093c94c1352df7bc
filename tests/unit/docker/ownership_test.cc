// Whose a container is: made, adopted, recovered, somebody else's.
#include "controller/base/file.h"
#include "tests/unit/docker/world.h"

namespace holdfast::docker {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Ownership : public test::World {
 protected:
  void SetUp() override { boot(); }
  void listen() {
    runtime_->on_note([this](const RuntimeNote& note) {
      const std::lock_guard lock(mutex_);
      notes_.push_back(note.type + ": " + note.message);
    });
  }
  std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

  std::mutex mutex_;
  std::vector<std::string> notes_;
};

// ---- records

TEST_F(Ownership, WithoutItsRecordItsOwnContainerIsFound) {
  declare({web()});
  ASSERT_TRUE(start(web(), 4));
  runtime_.reset();
  std::filesystem::remove(record_path());
  boot();
  declare({web()});
  EXPECT_EQ(seen(), "4 Running");
  EXPECT_EQ(runtime_->observe("web")->instances[0].spec_hash, "hash-1");
  ASSERT_TRUE(stop(4));
  EXPECT_EQ(seen(), "4 Exited: killed by signal 15 (TERM)");
}

TEST_F(Ownership, WithoutItsRecordAndUndeclaredItIsOwned) {
  declare({web()});
  ASSERT_TRUE(start(web(), 4));
  runtime_.reset();
  std::filesystem::remove_all(dir_ / "docker/web");
  boot();
  auto other = web();
  other.name = "other";
  declare({other});
  EXPECT_TRUE(test::wait_until([&] {
    const auto owned = runtime_->list_owned();
    return owned && *owned == std::vector<std::string>{"web"};
  }));
}

TEST_F(Ownership, ARecordThatIsUnreadableIsSetAsideAndMadeAnew) {
  declare({web()});
  ASSERT_TRUE(start(web(), 4));
  runtime_.reset();
  ASSERT_TRUE(write_file_atomically(record_path(), std::string(100, '\0')));
  boot();
  declare({web()});
  EXPECT_EQ(seen(), "4 Running");
  EXPECT_EQ(read_file(record_path() + ".corrupt"), std::string(100, '\0'));
  EXPECT_EQ((*read_run_record(record_path()))->container, id_of());
}

TEST_F(Ownership, ARecordOfAnEarlierControllerIsEnoughToLook) {
  declare({web()});
  ASSERT_TRUE(start(web(), 1));
  boot();  // nothing is declared yet
  ASSERT_TRUE(test::wait_until([&] { return runtime_->availability().available; }));
  EXPECT_THAT(*runtime_->list_owned(), ElementsAre("web"));
}

TEST_F(Ownership, AnEngineThatIsAwayOwnsNobodyKnowsWhat) {
  declare({web()});
  ASSERT_TRUE(start(web(), 1));
  client_->cut(error_of(ErrorCode::kUnavailable, "connection refused"));
  EXPECT_FALSE(runtime_->list_owned());
  EXPECT_EQ(seen(), "! connection refused");
}

TEST_F(Ownership, WithoutAServiceNobodyLooksForAnEngine) {
  declare({});
  EXPECT_FALSE(runtime_->availability().available);
  EXPECT_THAT(runtime_->availability().message, HasSubstr("no service is declared to run in it"));
  EXPECT_EQ(client_->calls(), 0);
  EXPECT_THAT(*runtime_->list_owned(), IsEmpty());
}

// ---- others

TEST_F(Ownership, TwoControllersLeaveEachOtherAlone) {
  declare({web()});
  ASSERT_TRUE(start(web(), 1));
  const test::TempDir other_dir;
  test::FakeDockerClient* other_client = nullptr;
  const auto other = make(other_dir, other_client);
  other->declare({{"web", std::make_shared<const ServiceSpec>(web())}});
  ASSERT_TRUE(test::wait_until([&] { return other_client->calls("list") > 0; }));
  EXPECT_THAT(other->observe("web")->instances, IsEmpty());
  EXPECT_THAT(*other->list_owned(), IsEmpty());
  EXPECT_EQ(other->execute(StartInstance{.id = {"web", 0}, .incarnation = 1, .reason = {}}, context(web()))
                .error()
                .code,
            ErrorCode::kConflict);
  EXPECT_TRUE(other->execute(KillInstance{.id = {"web", 0}, .incarnation = 1, .reason = {}}, {}));
  EXPECT_TRUE(other->execute(RemoveInstance{.id = {"web", 0}, .incarnation = 1, .reason = {}}, {}));
  EXPECT_EQ(seen(), "1 Running");
}

TEST_F(Ownership, StartsByOthersAreNewRunsAndNews) {
  listen();
  declare({web()});
  ASSERT_TRUE(start(web(), 1));
  engine_.exit(id_of(), 0);
  ASSERT_TRUE(engine_.start(id_of()));
  EXPECT_EQ(seen(), "2 Running");
  EXPECT_EQ(seen(), "2 Running");
  EXPECT_THAT(notes(),
              ElementsAre("StartedElsewhere: web/0 (container holdfast-web-0) was started by somebody "
                          "else"));
}

// ---- adopted

TEST_F(Ownership, AnAdoptedContainerThatRunsIsARun) {
  make_pg();
  ASSERT_TRUE(engine_.start("pg"));
  declare({adopted()});
  EXPECT_EQ(seen(), "1 Running");
  EXPECT_EQ(runtime_->observe("web")->instances[0].spec_hash, "hash-adopted");
  ASSERT_TRUE(stop(1));
  ASSERT_TRUE(start(adopted(), 2));
  EXPECT_EQ(seen(), "2 Running");
  EXPECT_EQ(client_->calls("create") + client_->calls("remove"), 0);
}

TEST_F(Ownership, AnAdoptedContainerThatEndedBeforeIsNoRun) {
  make_pg();
  ASSERT_TRUE(engine_.start("pg"));
  engine_.exit("pg", 3);
  declare({adopted()});
  EXPECT_EQ(seen(), "");
  ASSERT_TRUE(start(adopted(), 1));
  EXPECT_EQ(seen(), "1 Running");
}

TEST_F(Ownership, AnAdoptedContainerThatItsOwnerStartsIsARun) {
  make_pg();
  declare({adopted()});
  EXPECT_EQ(seen(), "");
  ASSERT_TRUE(engine_.start("pg"));
  EXPECT_EQ(seen(), "1 Running");
  EXPECT_EQ(runtime_->observe("web")->instances[0].spec_hash, "hash-adopted");
}

TEST_F(Ownership, AnAdoptedContainerThatItsOwnerMadeAnewIsTheSame) {
  make_pg();
  declare({adopted()});
  ASSERT_TRUE(start(adopted(), 1));
  engine_.destroy("pg");
  EXPECT_EQ(seen(), "");
  make_pg();
  EXPECT_EQ(seen(), "");
  ASSERT_TRUE(start(adopted(), 2));
  EXPECT_EQ(seen(), "2 Running");
  engine_.destroy("pg");
  make_pg();
  ASSERT_TRUE(engine_.start("pg"));
  EXPECT_EQ(seen(), "3 Running");
}

TEST_F(Ownership, AnAdoptedContainerThatIsNotThereIsToBeMadeByItsOwner) {
  declare({adopted()});
  const auto started = start(adopted(), 1);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(started.error().hint, HasSubstr("docker create --name pg"));
}

TEST_F(Ownership, AnAdoptedContainerIsNeverRemoved) {
  make_pg();
  declare({adopted()});
  ASSERT_TRUE(start(adopted(), 1));
  ASSERT_TRUE(stop(1));
  ASSERT_TRUE(remove(adopted(), 1));
  EXPECT_EQ(seen(), "");
  declare({});
  EXPECT_TRUE(test::wait_until([&] { return !std::filesystem::exists(record_path()); }));
  EXPECT_THAT(engine_.names(), ElementsAre("pg"));
}

// ---- from one to the other

TEST_F(Ownership, FromAnImageToAContainerOursIsRemoved) {
  declare({web()});
  ASSERT_TRUE(start(web(), 1));
  make_pg();
  declare({adopted()});
  EXPECT_EQ(seen(), "1 Running");  // of the old declaration, by its hash
  EXPECT_EQ(runtime_->observe("web")->instances[0].spec_hash, "hash-1");
  ASSERT_TRUE(stop(1));
  EXPECT_EQ(seen(), "1 Exited: killed by signal 15 (TERM)");
  ASSERT_TRUE(start(adopted(), 2));
  EXPECT_EQ(seen(), "2 Running");
  EXPECT_THAT(engine_.names(), ElementsAre("pg"));
}

TEST_F(Ownership, FromAContainerToAnImageTheAdoptedOneStays) {
  make_pg();
  declare({adopted()});
  ASSERT_TRUE(start(adopted(), 1));
  declare({web()});
  EXPECT_EQ(seen(), "1 Running");
  EXPECT_EQ(start(web(), 2).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(stop(1));
  ASSERT_TRUE(start(web(), 2));
  EXPECT_EQ(seen(), "2 Running");
  EXPECT_THAT(engine_.names(), ElementsAre("holdfast-web-0", "pg"));
  EXPECT_EQ(engine_.look("pg").status, "exited");
}

TEST_F(Ownership, SwitchedWhileStoppedOursIsRemovedAndTheirsStays) {
  make_pg();
  declare({web()});
  ASSERT_TRUE(start(web(), 1));
  ASSERT_TRUE(stop(1));
  ASSERT_TRUE(remove(web(), 1));
  declare({adopted()});
  EXPECT_EQ(seen(), "");
  EXPECT_THAT(engine_.names(), ElementsAre("pg"));
  ASSERT_TRUE(start(adopted(), 2));
  ASSERT_TRUE(stop(2));
  ASSERT_TRUE(remove(adopted(), 2));
  declare({web()});
  EXPECT_EQ(seen(), "");
  ASSERT_TRUE(start(web(), 3));
  EXPECT_EQ(seen(), "3 Running");
  EXPECT_THAT(engine_.names(), ElementsAre("holdfast-web-0", "pg"));
}

}  // namespace
}  // namespace holdfast::docker
