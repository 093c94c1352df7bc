// What is read of the engine's description of a container.
#include "runtimes/docker/client/client.h"
#include "tests/unit/docker/inspected.h"

namespace holdfast::docker {
namespace {

using holdfast::docker::test::inspected;

TEST(Container, IsReadFromWhatDockerTells) {
  const auto container = parse_container(inspected());
  ASSERT_TRUE(container);
  EXPECT_EQ(container->id, "57c1975f506531faca39e1742ec078bb858b16550592dabea00d013f1c95eb56");
  EXPECT_EQ(container->name, "holdfast-web-0");
  EXPECT_EQ(container->image, "holdfast-test:1");
  EXPECT_EQ(container->image_id, "sha256:24e8553599ff7ca99c4788da7326a60fec0d92a663488dcdee18619fc47850da");
  EXPECT_EQ(container->status, "running");
  EXPECT_TRUE(container->alive());
  EXPECT_EQ(container->pid, 4321);
  EXPECT_EQ(container->started_at, "2026-11-25T13:47:42.500000001Z");
  EXPECT_EQ(container->finished_at, "");
  EXPECT_EQ(container->health, "");
  EXPECT_EQ(container->restart_policy, "no");
  EXPECT_EQ(container->stop_signal, 0);
  EXPECT_FALSE(container->tty || container->oom_killed);
  EXPECT_EQ(container->labels.at("holdfast.incarnation"), "3");
}

TEST(Container, NeverStartedHasNoTimesAndNoPid) {
  auto document = inspected();
  auto& state = *document.find("State");
  state.set("Status", "created");
  state.set("Pid", 0);
  state.set("StartedAt", "0001-01-01T00:00:00Z");
  const auto container = parse_container(document);
  EXPECT_EQ(container->started_at, "");
  EXPECT_FALSE(container->pid || container->alive());
}

TEST(Container, StopSignalsHaveThreeForms) {
  const std::vector<std::pair<Json, int>> cases = {
      {"SIGQUIT", 3},     {"QUIT", 3},   {"3", 3}, {3, 3},
      {"SIGRTMIN+3", 37}, {"RTMIN", 34}, {"", 0},  {"SIGWHAT", 0},
  };
  for (const auto& [signal, number] : cases) {
    auto document = inspected();
    document.find("Config")->set("StopSignal", signal);
    EXPECT_EQ(parse_container(document)->stop_signal, number) << dump_json(signal);
  }
}

TEST(Container, HealthIsTheNewestCheck) {
  for (const auto* key : {"Health", "Healthcheck"}) {
    auto document = inspected();
    document.find("State")->set(key, parse_json(R"({"Status": "unhealthy", "Log": [
        {"Output": "old"}, {"Output": "connection refused\n\n"}]})")
                                         .value());
    const auto container = parse_container(document);
    EXPECT_EQ(container->health, "unhealthy");
    EXPECT_EQ(container->health_message, "connection refused");
  }
  auto document = inspected();
  document.find("State")->set("Health", Json::object({{"Status", "none"}}));
  EXPECT_EQ(parse_container(document)->health, "");
}

TEST(Container, IsNotReadFromAnythingElse) {
  for (const auto* text :
       {"null", "[]", "{}", R"({"Id": "a"})", R"({"State": {}})", R"({"Id": 3, "State": {}})"})
    EXPECT_FALSE(parse_container(parse_json(text).value())) << text;
}

}  // namespace
}  // namespace holdfast::docker
