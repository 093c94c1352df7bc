// What engines tell of a container.
#include "runtimes/docker/client/client.h"

namespace holdfast::docker {
namespace {

Container container(const std::string& state) {
  return parse_container(
             parse_json(R"({"Id":"1","Name":"/web","Image":"sha256:2","Config":{"Image":"app"},"State":)" +
                        state + "}")
                 .value())
      .value();
}

// Recorded from Podman 4.3, shortened.
TEST(Container, OfPodman) {
  const auto running = container(
      R"({"Status":"running","Pid":15880,"ExitCode":0,"StartedAt":"2026-11-25T13:25:33.129216228Z",
          "FinishedAt":"0001-01-01T00:00:00Z","Health":{"Status":"","FailingStreak":0,"Log":null}})");
  EXPECT_TRUE(running.alive());
  EXPECT_EQ(running.pid, 15880);
  EXPECT_EQ(running.health, "");
  EXPECT_EQ(running.finished_at, "");
  EXPECT_EQ(running.restart_policy, "no");
}

TEST(Container, PodmansWordsMeanDockers) {
  const std::vector<std::pair<std::string, std::string>> words{
      {"configured", "created"}, {"initialized", "created"}, {"stopping", "running"}, {"stopped", "exited"},
      {"exited", "exited"},      {"paused", "paused"},       {"dead", "dead"}};
  for (const auto& [podman, docker] : words)
    EXPECT_EQ(container(R"({"Status":")" + podman + R"("})").status, docker);
}

// The first is recorded from Docker 20.10, which says it in State.Error too.
TEST(Container, OfAnEngineThatIsBeingStopped) {
  EXPECT_TRUE(tells_of_shutdown(
      "failed to update store for object type *libnetwork.endpoint: open : no such file or directory"));
  EXPECT_TRUE(tells_of_shutdown("grpc: the client connection is closing: unknown"));
  EXPECT_FALSE(tells_of_shutdown(""));
  EXPECT_FALSE(
      tells_of_shutdown("failed to create shim task: OCI runtime create failed: exec: \"x\": not found"));
  EXPECT_FALSE(
      tells_of_shutdown("driver failed programming external connectivity: port is already allocated"));
}

TEST(Container, OfWhatIsNone) {
  for (const auto* text : {"{}", "[]", R"({"Id":"1"})", R"({"State":{}})"}) {
    const auto parsed = parse_container(parse_json(text).value());
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInternal);
  }
}

}  // namespace
}  // namespace holdfast::docker
