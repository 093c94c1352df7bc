#include "runtimes/docker/engine/endpoint.h"

#include "runtimes/docker/engine/failure.h"
#include "runtimes/docker/engine/version.h"

namespace holdfast::docker {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

Result<Endpoint> endpoint(const Variables& variables, const std::set<std::string>& files = {}) {
  return endpoint_from(
      [&](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
      },
      [&](const std::string& path) { return files.contains(path); });
}

TEST(Endpoint, TakesTheFirstSocketThatExists) {
  const Variables user{{"XDG_RUNTIME_DIR", "/run/user/1000"}};
  const std::string own = "/run/user/1000/docker.sock", system = "/var/run/docker.sock";
  EXPECT_EQ(endpoint({})->socket_path, system);
  EXPECT_EQ(endpoint(user)->socket_path, system);
  EXPECT_EQ(endpoint(user, {own})->socket_path, own);
  EXPECT_EQ(endpoint(user, {own, system})->socket_path, system);
  EXPECT_EQ(endpoint(user, {own})->where, "unix:///run/user/1000/docker.sock");
  EXPECT_EQ(endpoint({{"DOCKER_HOST", ""}})->socket_path, system);
}

TEST(Endpoint, ReadsHosts) {
  struct Case {
    std::string host, base_url, socket;
  };
  for (const auto& [host, base_url, socket] :
       std::vector<Case>{{"unix:///tmp/d.sock", "http://localhost", "/tmp/d.sock"},
                         {"tcp://10.0.0.5:2375", "http://10.0.0.5:2375", ""},
                         {"tcp://10.0.0.5", "http://10.0.0.5:2375", ""},
                         {"tcp://[::1]:2375/", "http://[::1]:2375", ""},
                         {"tcp://[::1]", "http://[::1]:2375", ""},
                         {"http://engine:80", "http://engine:80", ""},
                         {"https://engine", "https://engine:2376", ""}}) {
    const auto found = endpoint({{"DOCKER_HOST", host}});
    ASSERT_TRUE(found) << host;
    EXPECT_EQ(found->base_url, base_url) << host;
    EXPECT_EQ(found->socket_path, socket) << host;
    EXPECT_EQ(found->where, host);
  }
}

TEST(Endpoint, ReadsTls) {
  const auto verified = endpoint(
      {{"DOCKER_HOST", "tcp://engine:2376"}, {"DOCKER_TLS_VERIFY", "1"}, {"DOCKER_CERT_PATH", "/certs"}});
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->base_url, "https://engine:2376");
  EXPECT_TRUE(verified->verify_peer);
  EXPECT_EQ(verified->ca_file, "/certs/ca.pem");
  EXPECT_EQ(verified->cert_file, "/certs/cert.pem");
  EXPECT_EQ(verified->key_file, "/certs/key.pem");
  const auto at_home =
      endpoint({{"DOCKER_HOST", "tcp://engine"}, {"DOCKER_TLS_VERIFY", "1"}, {"HOME", "/root"}});
  EXPECT_EQ(at_home->ca_file, "/root/.docker/ca.pem");
  EXPECT_EQ(at_home->base_url, "https://engine:2376");
  const auto blind = endpoint({{"DOCKER_HOST", "tcp://engine"}, {"DOCKER_TLS", "1"}});
  EXPECT_FALSE(blind->verify_peer);
  EXPECT_TRUE(endpoint({{"DOCKER_HOST", "https://engine"}})->verify_peer);
}

TEST(Endpoint, RefusesWhatItCannotReach) {
  for (const auto* host :
       {"ssh://user@host", "npipe:////./pipe/docker", "docker.sock", "/var/run/docker.sock", "ftp://host",
        "tcp://", "tcp://a b", "tcp://host/path", "tcp://user@host", "unix://", "unix://relative.sock"}) {
    const auto found = endpoint({{"DOCKER_HOST", host}});
    ASSERT_FALSE(found) << host;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(found.error().message, HasSubstr("DOCKER_HOST"));
    EXPECT_FALSE(found.error().hint.empty());
  }
  EXPECT_THAT(endpoint({{"DOCKER_HOST", "ssh://host"}}).error().hint, HasSubstr("docker command"));
  EXPECT_FALSE(endpoint({{"DOCKER_HOST", "unix:///" + std::string(200, 'x')}}));
}

TEST(Endpoint, ReadsVersionAndConfiguration) {
  EXPECT_EQ(endpoint({{"DOCKER_API_VERSION", "1.40"}})->api_version, "1.40");
  EXPECT_FALSE(endpoint({{"DOCKER_API_VERSION", "1.40/../x"}}));
  EXPECT_EQ(endpoint({{"HOME", "/root"}})->registry_config, "/root/.docker/config.json");
  EXPECT_EQ(endpoint({{"HOME", "/root"}, {"DOCKER_CONFIG", "/etc/d"}})->registry_config,
            "/etc/d/config.json");
  EXPECT_EQ(endpoint({})->registry_config, "");
}

Json version(const std::string& newest, const std::string& oldest = "1.12") {
  return Json::object({{"Platform", Json::object({{"Name", ""}})},
                       {"Components", Json::array({Json::object({{"Name", "Engine"}})})},
                       {"Version", "20.10.24+dfsg1"},
                       {"ApiVersion", newest},
                       {"MinAPIVersion", oldest}});
}

TEST(Version, IsTheNewestThatBothKnow) {
  EXPECT_EQ(engine_info(version("1.41"), "", "here")->api_version, "1.41");
  EXPECT_EQ(engine_info(version("1.25"), "", "here")->api_version, "1.25");
  EXPECT_EQ(engine_info(version("1.99"), "", "here")->api_version, "1.51");
  EXPECT_EQ(engine_info(version("2.3", "1.60"), "", "here")->api_version, "1.60") << "no older one is served";
  EXPECT_EQ(engine_info(version("1.41"), "1.30", "here")->api_version, "1.30");
  EXPECT_EQ(engine_info(version("1.41", ""), "", "here")->api_version, "1.41");
}

TEST(Version, RefusesEnginesThatAreTooOldOrNone) {
  const auto old = engine_info(version("1.24"), "", "unix:///x");
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(old.error().message,
              ::testing::AllOf(HasSubstr("1.24"), HasSubstr("1.25"), HasSubstr("unix:///x")));
  for (const auto* text : {"", "1", "1.", "1.x", ".4", "1.4.2", "-1.4"}) {
    EXPECT_FALSE(engine_info(version(text), "", "here")) << text;
  }
  EXPECT_FALSE(engine_info(Json("hello"), "", "here"));
}

TEST(Version, TellsDockerFromPodman) {
  EXPECT_EQ(engine_info(version("1.41"), "", "here")->name, "Docker Engine 20.10.24+dfsg1");
  auto podman = version("1.41");
  podman.set("Version", "4.3.1");
  podman.set("Components",
             Json::array({Json::object({{"Name", "Podman Engine"}}), Json::object({{"Name", "Conmon"}})}));
  EXPECT_EQ(engine_info(podman, "", "here")->name, "Podman Engine 4.3.1");
}

TEST(Failure, TakesTheEnginesWords) {
  const auto error = http_error("starting 'x'", 409, R"({"message":"it is\u001b[31m taken."})");
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(error.message, "starting 'x': it is [31m taken");
  EXPECT_EQ(http_error("a", 503, "").message, "a: status 503");
  EXPECT_EQ(http_error("a", 404, "<html>no\nsuch</html>").message, "a: <html>no such</html>");
  EXPECT_LT(http_error("a", 500, std::string(10000, 'x')).message.size(), 1000u);
  const std::vector<std::pair<long, ErrorCode>> codes{
      {400, ErrorCode::kInvalid},    {422, ErrorCode::kInvalid},  {401, ErrorCode::kPermission},
      {403, ErrorCode::kPermission}, {404, ErrorCode::kNotFound}, {409, ErrorCode::kConflict},
      {500, ErrorCode::kInternal},   {418, ErrorCode::kInternal}, {302, ErrorCode::kInternal}};
  for (const auto& [status, code] : codes) EXPECT_EQ(http_error("a", status, "").code, code) << status;
  EXPECT_EQ(http_error("a", 500, R"({"message":"is in state exited: container state improper"})").code,
            ErrorCode::kConflict)
      << "Podman's way";
}

TEST(Failure, NamesTheDeadline) {
  EXPECT_THAT(timed_out("x", std::chrono::seconds{10}).message, HasSubstr("within 10 s"));
  EXPECT_THAT(timed_out("x", std::chrono::milliseconds{2500}).message, HasSubstr("within 2.5 s"));
}

TEST(Failure, ASocketThatIsNotOursTellsWhatToDo) {
  Endpoint endpoint{.where = "unix:///tmp", .socket_path = "/tmp", .base_url = "http://localhost"};
  const auto error = unreachable(endpoint, EACCES, "");
  EXPECT_EQ(error.code, ErrorCode::kPermission);
  EXPECT_THAT(error.message, ::testing::AllOf(HasSubstr("user '"), HasSubstr("/tmp"), HasSubstr("group '")));
  EXPECT_THAT(error.hint, ::testing::AllOf(HasSubstr("usermod"), HasSubstr("DOCKER_HOST=unix:///run/user/")));
  endpoint.socket_path = "/no/such/socket";
  EXPECT_THAT(unreachable(endpoint, 0, "").message, HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace holdfast::docker
