// Beside starts and stops: what is told, checked, read and run.
#include "tests/unit/docker/world.h"

namespace holdfast::docker {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DockerRuntime : public test::World {
 protected:
  void SetUp() override {
    boot();
    runtime_->on_change([this](const std::string& service) {
      const std::lock_guard lock(mutex_);
      ++changes_[service];
      if (std::this_thread::get_id() == test_thread_) ++by_events_;
    });
    runtime_->on_availability([this] {
      const std::lock_guard lock(mutex_);
      ++availability_;
    });
  }
  int changes(const std::string& service) {
    const std::lock_guard lock(mutex_);
    return changes_[service];
  }
  static ServiceSpec pair() {
    auto spec = web();
    spec.replicas = 2;
    return spec;
  }
  void start_both() {
    declare({pair()});
    ASSERT_TRUE(start(pair(), 1, 0));
    ASSERT_TRUE(start(pair(), 1, 1));
  }
  Result<std::vector<LogLine>> logs(const LogQuery& query = {}) {
    return runtime_->logs()->read("web", query);
  }

  std::mutex mutex_;
  std::map<std::string, int> changes_;
  // Told on this thread, by the engine in memory: lists are told on another.
  const std::thread::id test_thread_ = std::this_thread::get_id();
  int by_events_ = 0;
  int availability_ = 0;
};

std::vector<std::string> texts(const Result<std::vector<LogLine>>& lines) {
  std::vector<std::string> out;
  for (const auto& line : lines.value_or(std::vector<LogLine>{}))
    out.push_back(std::to_string(line.ordinal) + " " + line.text);
  return out;
}

// ---- who is told

TEST_F(DockerRuntime, EventsOfItsOwnContainersTellTheirService) {
  declare({web()});
  ASSERT_TRUE(start(web(), 1));
  const int before = by_events_;
  engine_.exit(id_of(), 1);
  EXPECT_EQ(by_events_, before + 1);
  EXPECT_GT(changes("web"), 0);
}

TEST_F(DockerRuntime, EventsOfAdoptedContainersTellWhoAdopted) {
  make_pg();
  declare({adopted()});
  ASSERT_TRUE(engine_.start("pg"));
  engine_.exit("pg", 1);
  EXPECT_EQ(by_events_, 2);
}

TEST_F(DockerRuntime, EventsOfOthersAndOfCommandsTellNobody) {
  make_pg();
  declare({web()});
  ASSERT_TRUE(start(web(), 1));
  const int before = by_events_;
  ASSERT_TRUE(engine_.start("pg"));
  const auto labels = engine_.look("holdfast-web-0").labels;
  for (const auto* action : {"exec_create: ls", "exec_start: ls", "exec_die", "top", "resize"})
    engine_.events().tell({.action = action, .id = id_of(), .attributes = labels, .time_ns = 1});
  EXPECT_EQ(by_events_, before);
  engine_.events().tell({.action = "oom", .id = id_of(), .attributes = labels, .time_ns = 1});
  EXPECT_EQ(by_events_, before + 1);
}

TEST_F(DockerRuntime, AnEngineThatComesAndGoesTellsAll) {
  declare({web()});
  const int before = changes("web");
  client_->cut(error_of(ErrorCode::kUnavailable));
  ASSERT_TRUE(test::wait_until([&] { return changes("web") > before; }));
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(availability_, 2);
}

TEST_F(DockerRuntime, AListThatFailsTellsAllTheSame) {
  client_->fail_next("list", error_of(ErrorCode::kInternal), false, -1);
  declare({web()});
  EXPECT_TRUE(test::wait_until([&] { return changes("web") > 0; }));
}

// ---- what is refused

TEST_F(DockerRuntime, RefusesWhatItCannotRun) {
  EXPECT_TRUE(runtime_->validate(web()));
  EXPECT_TRUE(runtime_->validate(adopted()));
  auto spec = web("");
  EXPECT_THAT(runtime_->validate(spec).error().message, HasSubstr("names no container image"));
  spec = web();
  spec.env["TOKEN"] = SecretRef{.source = SecretRef::Source::kKubernetes, .name = "a", .key = "b"};
  EXPECT_THAT(runtime_->validate(spec).error().message, HasSubstr("env TOKEN"));
  EXPECT_TRUE(runtime_->execute(ApplyWorkload{.service = "web", .reason = {}}, {}).error().terminal);
  EXPECT_FALSE(start(ServiceSpec{}, 1));
  EXPECT_FALSE(
      runtime_->execute(StartInstance{.id = {"web", 0}, .incarnation = 1, .reason = {}}, ActionContext{}));
}

// ---- preparations

TEST_F(DockerRuntime, PreparesImagesButNotOfAdoptedContainers) {
  declare({web()});
  auto spec = web("absent:1");
  spec.docker.pull_policy = "never";
  EXPECT_FALSE(runtime_->prepare(context(spec)));
  EXPECT_EQ(runtime_->prepare(context(web()))->waiting_for, "");
  const int before = client_->calls("image");
  EXPECT_EQ(runtime_->prepare(context(adopted()))->waiting_for, "");
  EXPECT_EQ(runtime_->prepare({})->waiting_for, "");
  EXPECT_EQ(client_->calls("image"), before);
}

TEST_F(DockerRuntime, WhatRunsHasBeenPulledByAnEarlierController) {
  auto always = web();
  always.docker.pull_policy = "always";
  declare({always});
  ASSERT_TRUE(start(always, 1));
  boot();
  declare({always});
  EXPECT_EQ(seen(), "1 Running");
  engine_.exit(id_of(), 1);
  EXPECT_EQ(runtime_->prepare(context(always))->waiting_for, "");
  EXPECT_EQ(client_->calls("pull"), 0);
}

// ---- logs, commands, figures

TEST_F(DockerRuntime, LogsAreOfAllOrdinalsByTime) {
  start_both();
  EXPECT_THAT(texts(logs()), ElementsAre("0 holdfast-web-0 begins", "1 holdfast-web-1 begins",
                                         "0 holdfast-web-0 goes on", "1 holdfast-web-1 goes on"));
  EXPECT_THAT(texts(logs({.tail = 1, .since = {}, .stream = {}, .ordinal = {}})),
              ElementsAre("1 holdfast-web-1 goes on"));
  EXPECT_THAT(texts(logs({.tail = 100, .since = {}, .stream = {}, .ordinal = 0})),
              ElementsAre("0 holdfast-web-0 begins", "0 holdfast-web-0 goes on"));
}

TEST_F(DockerRuntime, LogsAreOfStoppedContainersToo) {
  start_both();
  engine_.exit("holdfast-web-0", 0);
  ASSERT_TRUE(remove(pair(), 1, 0));
  engine_.destroy("holdfast-web-1");
  boot();
  declare({pair()});
  EXPECT_THAT(texts(logs()), ElementsAre("0 holdfast-web-0 begins", "0 holdfast-web-0 goes on"));
  EXPECT_THAT(*runtime_->logs()->read("nobody", {}), IsEmpty());
}

TEST_F(DockerRuntime, LogsThatCannotBeReadAreAnError) {
  start_both();
  client_->fail_next("logs", error_of(ErrorCode::kTimeout, "no answer"));
  EXPECT_EQ(logs().error().message, "no answer");
  client_->fail_next("logs", error_of(ErrorCode::kNotFound));  // removed just now
  EXPECT_THAT(*logs(), SizeIs(2));
}

TEST_F(DockerRuntime, CommandsRunWhereItRuns) {
  start_both();
  EXPECT_EQ(runtime_->exec()->run({"web", 1}, {"ls", "/"}, 1s)->output, "ls\n/\n");
  EXPECT_EQ(runtime_->exec()->run({"web", 2}, {"ls"}, 1s).error().code, ErrorCode::kNotFound);
  engine_.exit("holdfast-web-1", 0);
  EXPECT_EQ(seen(), "1 Running, 1 Exited: exit code 0");
  EXPECT_EQ(runtime_->exec()->run({"web", 1}, {"ls"}, 1s).error().code, ErrorCode::kNotFound);
}

TEST_F(DockerRuntime, FiguresOfAnotherMachineAreTheEngines) {
  start_both();
  auto instances = runtime_->observe("web")->instances;
  auto figures = runtime_->usage(instances);
  ASSERT_THAT(figures, SizeIs(2));
  EXPECT_EQ(figures[0].memory_bytes, 1 << 20);
  EXPECT_EQ(figures[1].memory_bytes, 2 << 20);
  EXPECT_EQ(client_->calls("stats"), 1);
  instances[0].incarnation = 7;  // a run that is over
  figures = runtime_->usage(instances);
  EXPECT_FALSE(figures[0].memory_bytes);
  EXPECT_EQ(figures[1].memory_bytes, 1 << 20);
  client_->cut(error_of(ErrorCode::kUnavailable));
  EXPECT_FALSE(runtime_->usage(instances)[1].memory_bytes);
}

TEST_F(DockerRuntime, SaysWhatItCanDo) {
  const auto can = runtime_->capabilities();
  EXPECT_EQ(runtime_->kind(), RuntimeKind::kDocker);
  EXPECT_FALSE(can.delegates_workload);
  EXPECT_EQ(can.features.at("adoption"), Support::kNative);
  EXPECT_EQ(can.features.at("restarts"), Support::kEmulated);
}

}  // namespace
}  // namespace holdfast::docker
