// The files in docker/: what is shipped must be right without a Docker on the machine that tests it.
#include <regex>

#include "controller/base/file.h"
#include "tests/unit/compose/common.h"

namespace holdfast::config {
namespace {

std::string shipped(const std::string& name) {
  auto text = read_file(std::string(HOLDFAST_SOURCE_DIR "/docker/") + name);
  EXPECT_TRUE(text) << name;
  return text.value_or("");
}

TEST(Shipped, TheExampleIsValidAndAsksForTokens) {
  const auto loaded = load({{"base", "holdfast.yaml", shipped("holdfast.yaml")}});
  ASSERT_TRUE(loaded.document) << describe(loaded.errors.front());
  EXPECT_FALSE(loaded.document->controller.auth_tokens_file.empty());
  EXPECT_EQ(loaded.document->services.at("hello")->docker.image, "debian:bookworm-slim");
}

TEST(Shipped, TheApiIsPublishedOnTheLoopbackOnly) {
  for (const std::string file : {"compose.yaml", "compose.socket-proxy.yaml"}) {
    EXPECT_EQ(faults_in(shipped(file)).size(), 1u) << file << ": DOCKER_GID must be asked for";
    const auto services = services_of(imported(shipped(file), {{"DOCKER_GID", "999"}}));
    for (const auto& [name, spec] : services) {
      if (name == "holdfast")
        EXPECT_EQ(spec->docker.ports, std::vector<std::string>{"127.0.0.1:8010:8010"}) << file;
      else
        EXPECT_TRUE(spec->docker.ports.empty()) << file << " " << name;
    }
  }
}

struct EngineCall {
  std::string method, path;
  bool allowed = true;
};

// As the proxy does it: of the path alone, from end to end.
TEST(Shipped, TheProxyLetsPassWhatHoldfastCalls) {
  const auto services = services_of(imported(shipped("compose.socket-proxy.yaml"), {{"DOCKER_GID", "999"}}));
  const auto& env = services.at("socket-proxy")->env;
  const std::vector<EngineCall> cases = {
      {"GET", "/_ping"},
      {"GET", "/version"},
      {"GET", "/v1.41/info"},
      {"GET", "/v1.51/events"},
      {"GET", "/v1.41/containers/json"},
      {"GET", "/v1.41/containers/holdfast-web-0/json"},
      {"GET", "/v1.41/containers/4f0a/logs"},
      {"GET", "/v1.41/containers/4f0a/stats"},
      {"GET", "/v1.41/images/registry:5000/team/app@sha256:0a/json"},
      {"GET", "/v1.41/exec/4f0a/json"},
      {"POST", "/v1.41/containers/create"},
      {"POST", "/v1.41/containers/4f0a/start"},
      {"POST", "/v1.41/containers/4f0a/kill"},
      {"POST", "/v1.41/containers/4f0a/unpause"},
      {"POST", "/v1.41/containers/4f0a/exec"},
      {"POST", "/v1.41/exec/4f0a/start"},
      {"POST", "/v1.41/images/create"},
      {"PUT", "/v1.41/containers/4f0a/archive"},
      {"DELETE", "/v1.41/containers/4f0a"},
      {"GET", "/v1.41/containers/4f0a/archive", false},
      {"GET", "/v1.41/secrets", false},
      {"POST", "/v1.41/build", false},
      {"POST", "/v1.41/containers/4f0a/update", false},
      {"POST", "/v1.41/plugins/pull", false},
      {"POST", "/v1.41/swarm/init", false},
      {"DELETE", "/v1.41/volumes/data", false},
      {"DELETE", "/v1.41/images/app", false},
  };
  for (const auto& [method, path, allowed] : cases) {
    const auto& pattern = std::get<std::string>(env.at("SP_ALLOW_" + method));
    EXPECT_EQ(std::regex_match(path, std::regex(pattern)), allowed) << method << " " << path;
  }
}

}  // namespace
}  // namespace holdfast::config
