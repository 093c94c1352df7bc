// docker/compose.socket-proxy.yaml: the calls that it lets through are enough for all that a controller does,
// and the table in docs/docker.md has no others.
#include "tests/e2e/docker_image/socket_proxy.h"

#include "controller/base/file.h"
#include "tests/e2e/harness/controller.h"
#include "tests/support/docker_world/docker_world.h"
#include "tests/support/docker_world/registry.h"

namespace holdfast::test {
namespace {

using testing::Contains;
using testing::ContainsRegex;
using testing::IsEmpty;

constexpr const char* kComposeFile = HOLDFAST_COMPOSE_FOLDER "/compose.socket-proxy.yaml";

class SocketProxyOfCompose : public testing::Test {
 protected:
  [[nodiscard]] std::string config(const std::string& image) const {
    return "apiVersion: holdfast/v1\n"
           "controller: {resync: 1s}\n"
           "services:\n  " +
           name_ +
           ":\n    runtime: docker\n"
           "    command: [sh, -c, 'echo it runs; exec test-service pause']\n"
           "    env: {WORD: {secret: {file: " +
           (secrets_ / "word") +
           "}}}\n"
           "    restart: {backoff: {base: 10ms, max: 10ms}}\n"
           "    stop: {gracePeriod: 1s}\n"
           "    health: {readiness: {exec: {command: [grep, -q, secret, /run/secrets/WORD]}, interval: "
           "200ms}}\n"
           "    docker: {image: \"" +
           image + "\", network: none}\n";
  }
  [[nodiscard]] bool wait_ready() const {
    return controller_
        .wait_service(name_, [](const Json& service) { return service.at("ready") == Json(true); })
        .has_value();
  }
  [[nodiscard]] bool wait_figures() const {
    return controller_
        .wait_service(name_,
                      [](const Json& service) {
                        const auto& instances = service.at("instances").items();
                        return !instances.empty() && instances[0].at("usage").at("memoryBytes").is_number();
                      })
        .has_value();
  }
  void pass_through_a_life() {
    EXPECT_TRUE(wait_ready()) << dump_json(controller_.service(name_));  // exec, and the secret's upload
    EXPECT_TRUE(wait_figures()) << dump_json(controller_.service(name_));
    EXPECT_TRUE(wait_until(
        [&] { return controller_.cli({"logs", name_}).output.find("it runs") != std::string::npos; }));
    world_.engine().docker_ok({"kill", "--signal", "KILL", container_});
    EXPECT_TRUE(controller_.wait_service(name_, [](const Json& service) {
      return service.at("restarts") == Json(1) && service.at("ready") == Json(true);
    }));
    world_.engine().docker_ok({"pause", container_});
    const auto stopped = controller_.cli({"stop", name_});  // one that is paused is let go first
    EXPECT_EQ(stopped.status, 0) << stopped.output;
    EXPECT_EQ(world_.engine().docker_ok({"inspect", "--format", "{{.State.Status}}", container_}), "exited");
    controller_.write_config("apiVersion: holdfast/v1\nservices: {}\ncontroller: {allowEmpty: true}\n");
    EXPECT_TRUE(wait_until([&] { return world_.docker({"inspect", container_}).status != 0; }));
  }

  DockerWorld world_;
  const std::string name_ = world_.name("web");
  const std::string container_ = "holdfast-" + name_ + "-0";
  const TempDir secrets_;
  SocketProxy proxy_{SocketProxy::allowed_in(read_file(kComposeFile).value_or("")), world_.engine().socket()};
  // As in a container, it sees no cgroups but its own: figures are the engine's.
  Controller controller_{"",
                         {.env = {{"DOCKER_HOST", proxy_.host()}, {"DOCKER_CONFIG", "/nonexistent"}},
                          .launcher = {"unshare", "--mount", "sh", "-euc",
                                       "mount -t tmpfs tmpfs /sys/fs/cgroup; exec \"$@\"", "sh"}}};
};

TEST_F(SocketProxyOfCompose, LetsThroughAllThatTheControllerAsksFor) {
  const Registry registry(world_.engine());
  ASSERT_TRUE(write_file_atomically(secrets_ / "word", "secret\n"));
  controller_.write_config(config(registry.publish(world_.image(), "web:1")));
  ASSERT_NO_FATAL_FAILURE(controller_.start());
  pass_through_a_life();
  EXPECT_THAT(proxy_.refused(), IsEmpty());
  // Each call of the table was needed: otherwise it should not be in it.
  for (const auto* call :
       {"GET .*/_ping|GET .*/version", "GET .*/info", "GET .*/events", "GET .*/containers/json",
        "GET .*/containers/[^/]+/json", "GET .*/containers/[^/]+/logs", "GET .*/containers/[^/]+/stats",
        "GET .*/images/.+/json", "POST .*/images/create", "POST .*/containers/create",
        "POST .*/containers/[^/]+/start", "POST .*/containers/[^/]+/kill", "POST .*/containers/[^/]+/unpause",
        "PUT .*/containers/[^/]+/archive", "DELETE .*/containers/[^/]+", "POST .*/containers/[^/]+/exec",
        "POST .*/exec/[^/]+/start", "GET .*/exec/[^/]+/json"})
    EXPECT_THAT(proxy_.passed(), Contains(ContainsRegex(call)));
}

TEST_F(SocketProxyOfCompose, RefusesWhatTheControllerNeverAsks) {
  const Target target{.url = proxy_.url()};
  EXPECT_EQ(http_request(target, "GET", "/_ping").status, 200);
  EXPECT_EQ(http_request(target, "GET", "/v1.41/images/json").status, 403);
  EXPECT_EQ(http_request(target, "POST", "/v1.41/build").status, 403);
  EXPECT_EQ(http_request(target, "PUT", "/v1.41/containers/x/start").status, 403);
  EXPECT_EQ(http_request(target, "DELETE", "/v1.41/volumes/x").status, 403);
}

TEST_F(SocketProxyOfCompose, IsAFileThatComposeTakes) {
  const auto config = run_program({"docker-compose", "-f", kComposeFile, "config"}, {{"DOCKER_GID", "998"}});
  EXPECT_EQ(config.status, 0) << config.output;
  const auto refused = run_program({"docker-compose", "-f", kComposeFile, "config"});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.output, testing::HasSubstr("stat -c %g"));
}

}  // namespace
}  // namespace holdfast::test
