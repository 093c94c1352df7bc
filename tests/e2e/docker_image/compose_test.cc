// docker/compose.yaml as docs/docker.md says, with Debian's docker-compose: the controller in a container,
// beside the service that it keeps.
#include <filesystem>

#include <signal.h>
#include <sys/stat.h>

#include "controller/base/file.h"
#include "controller/base/json.h"
#include "tests/e2e/docker_image/image.h"
#include "tests/e2e/harness/controller.h"

namespace holdfast::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kService = "holdfast-hello-0";

class Compose : public EngineWithImage {
 protected:
  void SetUp() override {
    EngineWithImage::SetUp();
    fs::copy(HOLDFAST_COMPOSE_FOLDER, folder());
    struct stat socket{};
    ASSERT_EQ(stat(engine_.engine().socket().c_str(), &socket), 0);
    env_ = {{"DOCKER_HOST", engine_.engine().host()},
            {"DOCKER_CONFIG", "/nonexistent"},
            {"DOCKER_SOCKET", engine_.engine().socket()},
            {"DOCKER_GID", std::to_string(socket.st_gid)}};
  }

  [[nodiscard]] std::string folder() const { return dir_ / "docker"; }  // what a user has, and edits
  std::string compose(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {"docker-compose", "-p", "holdfast", "-f", folder() + "/compose.yaml"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto done = run_program(argv, env_);
    EXPECT_EQ(done.status, 0) << arguments[0] << ": " << done.output;
    return std::move(done.output);
  }
  // The published port is in the network namespace of the engine, as on its host.
  [[nodiscard]] Finished on_host(const std::vector<std::string>& command) const {
    std::vector<std::string> argv = {"nsenter", "--net=" + engine_.engine().netns()};
    argv.insert(argv.end(), command.begin(), command.end());
    return run_program(argv, env_);
  }
  [[nodiscard]] Finished get(const std::string& path, const std::string& token) const {
    return on_host({"curl", "--silent", "--noproxy", "*", "--write-out", "%{http_code}", "--header",
                    "Authorization: Bearer " + token, "http://127.0.0.1:8010" + path});
  }
  [[nodiscard]] Json service(const std::string& name) const {
    const auto answer = get("/api/v1/services/" + name, env_.at("HOLDFAST_TOKEN")).output;
    if (!answer.ends_with("200")) return {};
    return parse_json(answer.substr(0, answer.size() - 3)).value_or(Json());
  }
  [[nodiscard]] Json instance(const std::string& name) const {
    const auto all = service(name);
    const auto& instances = all.at("instances").items();
    return instances.empty() ? Json() : instances[0];
  }
  [[nodiscard]] bool runs(const std::string& name) const {
    const auto all = service(name);
    return all.at("phase").as_string() == "Running";
  }
  // What is said beside the token goes to stderr.
  void make_token() {
    const auto made =
        run_program({"sh", "-euc", "exec \"$@\" 2>/dev/null", "sh", "docker-compose", "-p", "holdfast", "-f",
                     folder() + "/compose.yaml", "run", "--rm", "holdfast", "token", "create", "--file",
                     "/var/lib/holdfast/tokens", "me", "--role", "admin"},
                    env_);
    ASSERT_EQ(made.status, 0);
    env_["HOLDFAST_TOKEN"] = made.output.substr(0, made.output.find_last_not_of("\r\n") + 1);
  }
  [[nodiscard]] std::string controller() const {
    auto id = compose({"ps", "-q", "holdfast"});
    if (id.ends_with('\n')) id.pop_back();
    return id;
  }
  [[nodiscard]] std::string inspect(const std::string& container, const std::string& field) const {
    return docker({"inspect", "--format", "{{" + field + "}}", container});
  }
  [[nodiscard]] bool wait_healthy() const {
    const auto id = controller();
    return wait_until([&] { return inspect(id, ".State.Health.Status") == "healthy"; });
  }
  [[nodiscard]] pid_t pid(const std::string& container) const {
    return std::atoi(inspect(container, ".State.Pid").c_str());
  }
  // The moment of its start too: the same container, and the same run of it.
  [[nodiscard]] std::string run_of(const std::string& container) const {
    return inspect(container, ".Id") + inspect(container, ".State.StartedAt");
  }
  void expect_api_asks_for_the_token() const;
  void expect_service_is_told() const;
  void expect_killed_service_is_restarted() const;
  void expect_killed_controller_finds_its_service() const;
  void expect_edit_is_in_force() const;
  void expect_service_outlives_the_controller() const;
  void expect_nothing_is_left() const;

  const TempDir dir_;
  std::map<std::string, std::string> env_;
};

void Compose::expect_api_asks_for_the_token() const {
  EXPECT_THAT(get("/api/v1/services", "wrong").output, testing::EndsWith("401"));
  EXPECT_THAT(on_host({"curl", "--silent", "--noproxy", "*", "--write-out", "%{http_code}",
                       "http://127.0.0.1:8010/api/v1/services"})
                  .output,
              testing::EndsWith("401"));
  EXPECT_THAT(get("/api/v1/services", env_.at("HOLDFAST_TOKEN")).output, testing::EndsWith("200"));
}

void Compose::expect_service_is_told() const {
  EXPECT_THAT(compose({"exec", "-T", "-e", "HOLDFAST_TOKEN", "holdfast", "holdfast", "status"}),
              AllOf(HasSubstr("hello"), HasSubstr("Running")));
  const auto status = on_host({binary("holdfast"), "status"});  // of the host's command
  EXPECT_THAT(status.output, AllOf(HasSubstr("hello"), HasSubstr("Running")));
  // What the service writes is `date`, of a container without a time zone.
  Finished logs;
  EXPECT_TRUE(wait_until([&] {
    logs = on_host({binary("holdfast"), "logs", "hello"});
    return logs.output.find(" UTC ") != std::string::npos;
  })) << logs.output;

  // Its cgroup can't be seen from the controller's container, so these are the engine's.
  EXPECT_TRUE(wait_until([&] {
    const auto usage = instance("hello").at("usage");
    return usage.at("cpuPercent").is_number() && usage.at("memoryBytes").is_number();
  })) << dump_json(service("hello"));
  const auto told = instance("hello");
  EXPECT_GT(told.at("usage").at("memoryBytes").as_int(), 0) << dump_json(told);
  EXPECT_EQ(told.at("pid").as_int(), pid(kService));
}

void Compose::expect_killed_service_is_restarted() const {
  const auto before = run_of(kService);
  docker({"kill", "--signal", "KILL", kService});
  EXPECT_TRUE(wait_until([&] { return run_of(kService) != before && runs("hello"); }));
  EXPECT_EQ(inspect(kService, ".State.Running"), "true");
  EXPECT_EQ(dump_json(service("hello").at("restarts")), "1") << dump_json(service("hello"));
}

void Compose::expect_killed_controller_finds_its_service() const {
  const auto before = run_of(kService);
  const auto id = controller();
  ASSERT_TRUE(signal_process(pid(id), SIGKILL));  // `docker kill` would count as a wish to have it stopped
  EXPECT_TRUE(wait_until([&] { return inspect(id, ".RestartCount") == "1" && runs("hello"); }));
  EXPECT_TRUE(wait_healthy());
  EXPECT_EQ(run_of(kService), before);
  EXPECT_EQ(docker({"ps", "--all", "--filter", "label=holdfast.service", "--format", "{{.Names}}"}),
            kService);
}

void Compose::expect_edit_is_in_force() const {
  const auto before = run_of(kService);
  const auto path = folder() + "/holdfast.yaml";
  auto text = read_file(path).value_or("");
  const auto original = text;
  const std::string services = "services:\n";
  text.insert(text.find(services) + services.size(),
              "  second: {runtime: docker, command: [sleep, \"1000000\"], stop: {gracePeriod: 1s}, "
              "docker: {image: \"debian:bookworm-slim\", network: none}}\n");
  ASSERT_TRUE(write_file_atomically(path, text));  // as editors do
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(wait_until([&] { return runs("second"); }));
  EXPECT_EQ(inspect("holdfast-second-0", ".State.Running"), "true");
  EXPECT_EQ(run_of(kService), before);

  ASSERT_TRUE(write_file_atomically(path, original));
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(wait_until([&] {
    return docker({"ps", "--all", "--filter", "label=holdfast.service", "--format", "{{.Names}}"}) ==
           kService;
  }));
}

void Compose::expect_service_outlives_the_controller() const {
  const auto before = run_of(kService);
  compose({"down"});
  EXPECT_EQ(docker({"ps", "--format", "{{.Names}}"}), kService);
  compose({"up", "-d"});
  EXPECT_TRUE(wait_until([&] { return runs("hello"); }));
  EXPECT_EQ(run_of(kService), before);
}

void Compose::expect_nothing_is_left() const {
  const auto stopped = on_host({binary("holdfast"), "stop", "--all"});
  EXPECT_EQ(stopped.status, 0) << stopped.output;
  EXPECT_EQ(inspect(kService, ".State.Status"), "exited");
  compose({"down", "--volumes"});
  EXPECT_EQ(docker({"ps", "--all", "--format", "{{.Names}}"}), kService);  // kept, with its logs
  EXPECT_EQ(docker({"volume", "ls", "--quiet"}), "");
  EXPECT_EQ(docker({"network", "ls", "--filter", "type=custom", "--quiet"}), "");
}

TEST_F(Compose, KeepsServicesBesideTheControllersContainer) {
  make_token();
  compose({"up", "-d"});
  ASSERT_TRUE(wait_healthy()) << compose({"logs"});
  expect_api_asks_for_the_token();
  ASSERT_TRUE(wait_until([&] { return runs("hello"); })) << compose({"logs"});
  expect_service_is_told();
  expect_killed_service_is_restarted();
  expect_killed_controller_finds_its_service();
  expect_edit_is_in_force();
  expect_service_outlives_the_controller();
  expect_nothing_is_left();
}

}  // namespace
}  // namespace holdfast::test
