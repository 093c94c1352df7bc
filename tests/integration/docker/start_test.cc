// Starts that fail, in every way that an engine has, and the ends of containers.
#include "controller/base/file.h"
#include "tests/integration/docker/fixture.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;

TEST_F(DockerTest, AMissingImageThatMustNotBePulledIsSaidBeforeAnythingIsStopped) {
  auto web = runs_on("web");
  web.docker.image = "no.such/image:1";
  web.docker.pull_policy = "never";
  const auto prepared = runtime().prepare({std::make_shared<const ServiceSpec>(web), 0});
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(prepared.error().message, HasSubstr("no.such/image:1 is not on this machine"));
  EXPECT_FALSE(prepared.error().hint.empty());
  const auto started = bench_.start(web);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(bench_.see("web"));
}

TEST_F(DockerTest, APullThatFailsIsToldAndTriedAgain) {
  auto web = runs_on("web");
  web.docker.image = "127.0.0.1:1/nobody/listens:1";
  const auto spec = std::make_shared<const ServiceSpec>(web);
  const auto first = runtime().prepare({spec, 0});
  ASSERT_OK(first);
  EXPECT_THAT(first->waiting_for, HasSubstr("127.0.0.1:1/nobody/listens:1"));
  EXPECT_TRUE(is_told("web"));
  Result<Preparation> second = Preparation{"?"};
  EXPECT_TRUE(wait_until([&] { return !(second = runtime().prepare({spec, 0})); }));
  EXPECT_FALSE(second.error().message.empty());
  const auto third = runtime().prepare({spec, 0});
  ASSERT_OK(third);
  EXPECT_FALSE(third->waiting_for.empty());
  std::vector<std::string> types;
  for (const auto& note : bench_.notes()) types.push_back(note.type);
  EXPECT_THAT(types, testing::IsSupersetOf({"Pulling", "PullFailed"}));
}

TEST_F(DockerTest, ANameTakenByAForeignContainerIsSaidAndLeftAlone) {
  bench_.by_hand({"create", "--name", name("web"), "--network", "none", DockerBench::image(), "true"});
  const auto started = bench_.start(runs_on("web"));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kConflict);
  EXPECT_THAT(started.error().message, HasSubstr("the name " + name("web") + " is taken"));
  EXPECT_THAT(started.error().hint, HasSubstr("docker rename"));
  EXPECT_FALSE(bench_.see("web"));
  EXPECT_THAT(*runtime().list_owned(), testing::IsEmpty());
  EXPECT_TRUE(exists(name("web")));
  bench_.by_hand({"rm", name("web")});
  ASSERT_OK(bench_.start(runs_on("web")));
}

TEST_F(DockerTest, AnotherControllersContainerIsForeign) {
  DockerBench other;
  start_running(runs_on("web"));
  other.make_adapter();
  EXPECT_THAT(*other.runtime().list_owned(), testing::IsEmpty());
  EXPECT_FALSE(other.see("web"));
}

TEST_F(DockerTest, APortThatIsTakenIsAFailedStart) {
  auto first = runs_on("first"), second = runs_on("second");
  first.docker.network = second.docker.network = "bridge";
  first.docker.ports = second.docker.ports = {"127.0.0.1:18099:80"};
  start_running(first);
  ASSERT_OK(bench_.start(second));
  const auto seen = bench_.see("second");
  ASSERT_TRUE(seen && seen->exit);
  EXPECT_TRUE(seen->exit->start_failed);
  EXPECT_THAT(seen->exit->reason, HasSubstr("18099"));
  // The container was made; the next run tries it again.
  ASSERT_OK(bench_.stop("first"));
  ASSERT_TRUE(bench_.reaches("first", Phase::kExited));
  ASSERT_OK(bench_.start(second, 2));
  EXPECT_TRUE(bench_.reaches("second", Phase::kRunning));
}

TEST_F(DockerTest, RunningOutOfMemoryIsSeen) {
  auto hog = DockerBench::shell("hog", "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done");
  hog.resources.memory_bytes = 16 << 20;
  ASSERT_OK(bench_.start(hog));
  ASSERT_TRUE(bench_.reaches("hog", Phase::kExited));
  const auto seen = bench_.see("hog");
  EXPECT_TRUE(seen->exit->oom_killed);
  EXPECT_EQ(seen->exit->signal, 9);
  EXPECT_THAT(seen->exit->reason, HasSubstr("out of memory"));
}

TEST_F(DockerTest, OneContainerServesTheRunsOfAnInstanceAndKeepsTheirLogs) {
  const auto job = DockerBench::shell("job", "echo run; exit 3");
  ASSERT_OK(bench_.start(job, 1));
  ASSERT_TRUE(bench_.reaches("job", Phase::kExited));
  const auto first = bench_.client().inspect(name("job"));
  ASSERT_OK(bench_.start(job, 2));
  ASSERT_TRUE(wait_until([&] {
    const auto seen = bench_.see("job");
    return seen && seen->incarnation == 2 && seen->phase == Phase::kExited;
  }));
  EXPECT_EQ((*bench_.client().inspect(name("job")))->id, (*first)->id);
  EXPECT_TRUE(wait_until([&] { return runtime().logs()->read("job", {})->size() == 2; }));
}

TEST_F(DockerTest, AChangedSpecMakesANewContainer) {
  auto job = DockerBench::shell("job", "exit 3");
  ASSERT_OK(bench_.start(job, 1));
  ASSERT_TRUE(bench_.reaches("job", Phase::kExited));
  const auto first = bench_.client().inspect(name("job"));
  auto changed = DockerBench::shell("job", "exit 4");
  changed.spec_hash = "another";
  ASSERT_OK(bench_.start(changed, 2));
  ASSERT_TRUE(wait_until([&] { return bench_.see("job")->exit && bench_.see("job")->exit->code == 4; }));
  EXPECT_NE((*bench_.client().inspect(name("job")))->id, (*first)->id);
  EXPECT_FALSE(exists((*first)->id));
}

TEST_F(DockerTest, ASpecChangeWhileStoppingStopsTheOldOneFirst) {
  auto web = DockerBench::spec("web", {"sleep", "100000"});  // deaf to TERM
  start_running(web);
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kStopping));
  auto changed = runs_on("web");
  changed.spec_hash = "another";
  EXPECT_EQ(bench_.start(changed, 2).error().code, ErrorCode::kConflict);
  EXPECT_EQ(bench_.see("web")->phase, Phase::kStopping);
  ASSERT_OK(runtime().execute(KillInstance{{"web", 0}, 1, "test"}, {}));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  ASSERT_OK(bench_.start(changed, 2));
  ASSERT_TRUE(bench_.reaches("web", Phase::kRunning));
  EXPECT_EQ(bench_.see("web")->spec_hash, "another");
}

TEST_F(DockerTest, WhatNobodyDeclaresAnyMoreIsRemovedForGood) {
  const auto web = runs_on("web");
  start_running(web);
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  ASSERT_OK(runtime().execute(RemoveInstance{{"web", 0}, 1, "no longer declared"}, {}));
  EXPECT_FALSE(exists(name("web")));
}

TEST_F(DockerTest, AStoppedContainerGoesWithItsDeclaration) {
  const auto web = runs_on("web");
  start_running(web);
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  ASSERT_OK(
      runtime().execute(RemoveInstance{{"web", 0}, 1, "test"}, {std::make_shared<const ServiceSpec>(web)}));
  EXPECT_TRUE(exists(name("web")));
  bench_.undeclare("web");
  EXPECT_TRUE(wait_until([&] { return !exists(name("web")); }));
}

TEST_F(DockerTest, SecretsAreFilesAndNoWordOfThemIsInTheContainersDescription) {
  const auto file = bench_.state_dir() + "/secret";
  ASSERT_OK(write_file_atomically(file, "s3cr3t-value\n", 0600));
  auto web = DockerBench::shell("web", "cat $DB_PASSWORD_FILE; id -u; " + std::string(kRunsOnScript));
  web.env = {{"DB_PASSWORD", SecretRef{.source = SecretRef::Source::kFile, .name = file, .key = ""}}};
  web.user = "1234";
  for (const bool read_only : {false, true}) {
    web.name = read_only ? "tight" : "web";
    web.docker.read_only = read_only;
    ASSERT_OK(bench_.start(web));
    ASSERT_TRUE(wait_until([&] {
      const auto lines = runtime().logs()->read(web.name, {});
      return lines && lines->size() == 2 - (lines->size() == 1 ? 1 : 0) && !lines->empty() &&
             lines->front().text.find("s3cr3t-value") == 0;
    }));
    EXPECT_THAT(bench_.by_hand({"inspect", name(web.name)}), testing::Not(HasSubstr("s3cr3t")));
    EXPECT_THAT(bench_.see(web.name)->drift, testing::IsEmpty());
  }
}

TEST_F(DockerTest, ASecretThatCannotBeReadKeepsTheContainerFromStarting) {
  auto web = runs_on("web");
  web.env = {{"KEY", SecretRef{.source = SecretRef::Source::kFile, .name = "/no/such/secret", .key = ""}}};
  const auto started = bench_.start(web);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("/no/such/secret"));
}

TEST_F(DockerTest, AnExecRunsBesideTheProgramAndEndsWithItsDeadline) {
  start_running(runs_on("web"));
  auto* exec = runtime().exec();
  const auto good =
      exec->run({"web", 0}, {"sh", "-c", "echo out; echo err >&2; exit 7"}, std::chrono::seconds{30});
  ASSERT_OK(good);
  EXPECT_EQ(good->exit_code, 7);
  EXPECT_THAT(good->output, testing::AllOf(HasSubstr("out"), HasSubstr("err")));
  const auto late = exec->run({"web", 0}, {"sh", "-c", "sleep 4321"}, std::chrono::milliseconds{300});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(
      wait_until([&] { return bench_.by_hand({"top", name("web")}).find("4321") == std::string::npos; }));
  EXPECT_EQ(exec->run({"nobody", 0}, {"true"}, std::chrono::seconds{1}).error().code, ErrorCode::kNotFound);
}

TEST_F(DockerTest, FiguresComeFromTheCgroupAndFromTheEngineAlike) {
  start_running(DockerBench::shell("web", "while :; do :; done"));
  ASSERT_TRUE(wait_until([&] {
    const auto usage = runtime().usage({*bench_.see("web")});
    return usage[0].cpu_seconds_total && *usage[0].cpu_seconds_total > 0.05 && usage[0].memory_bytes;
  }));
  const auto id = (*bench_.client().inspect(name("web")))->id;
  EXPECT_TRUE(wait_until([&] {
    const auto streamed = bench_.client().stats({id});
    return streamed[0].memory_bytes && streamed[0].cpu_seconds_total && streamed[0].processes;
  }));
}

TEST_F(DockerTest, AFloodOfLogsIsReadFromItsEnd) {
  auto web =
      DockerBench::shell("web", "yes 0123456789012345678901234567890123456789 | head -n 400000; echo last; " +
                                    std::string(kRunsOnScript));
  web.logs = {.max_size = 5 << 20, .max_files = 3};
  start_running(web);
  LogQuery query;
  query.tail = 3;
  ASSERT_TRUE(wait_until([&] {
    const auto lines = runtime().logs()->read("web", query);
    return lines && lines->size() == 3 && lines->back().text == "last";
  }));
  query.tail = 1'000'000;
  const auto all = runtime().logs()->read("web", query);
  ASSERT_OK(all);
  EXPECT_EQ(all->back().text, "last");
}

TEST_F(DockerTest, ATerminalsLogsAreReadToo) {
  auto web = DockerBench::shell("web", "echo one; echo two >&2; " + std::string(kRunsOnScript));
  web.docker.tty = true;
  start_running(web);
  ASSERT_TRUE(wait_until([&] { return runtime().logs()->read("web", {})->size() == 2; }));
  EXPECT_EQ(runtime().logs()->read("web", {})->at(1).text, "two");
}

}  // namespace
}  // namespace holdfast::test
