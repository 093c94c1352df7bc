#include "runtimes/docker/cli/failure.h"

#include <gtest/gtest.h>

namespace holdfast::docker {
namespace {

struct Case {
  const char* text;
  ErrorCode code;
};

// As docker 20.10 and 28 say it, and what is known of newer ones.
TEST(Failure, TellsOneFaultFromAnother) {
  const Case cases[] = {
      {"Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
       ErrorCode::kUnavailable},
      {"error during connect: Get \"http://a:1/v1.24/containers/json\": dial tcp: lookup a: no such host",
       ErrorCode::kUnavailable},
      {"error during connect: Get \"http://docker.example.com/v1.24/containers/json\": command [ssh -- h "
       "docker "
       "system dial-stdio] has exited with exit status 255: stderr=user@h: Permission denied (publickey).",
       ErrorCode::kUnavailable},
      {"failed to connect to the docker API at unix:///x; check if the path is correct and if the daemon is "
       "running",
       ErrorCode::kUnavailable},
      {"Error response from daemon: failed to update store for object type *libnetwork.endpoint: open : no "
       "such file or directory\nError: failed to start containers: web",
       ErrorCode::kUnavailable},
      {"unable to resolve docker endpoint: context \"x\" does not exist", ErrorCode::kUnavailable},
      {"Failed to initialize: unable to resolve docker endpoint: context \"x\": context not found: open /a: "
       "no "
       "such file or directory",
       ErrorCode::kUnavailable},
      {"Error response from daemon: client version 1.50 is too new. Maximum supported API version is 1.41",
       ErrorCode::kUnavailable},
      {"Got permission denied while trying to connect to the Docker daemon socket at "
       "unix:///var/run/docker.sock: "
       "Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json\": dial unix /var/run/docker.sock: "
       "connect: "
       "permission denied",
       ErrorCode::kPermission},
      {"permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
       ErrorCode::kPermission},
      {"Error: No such container: web-0", ErrorCode::kNotFound},
      {"Error response from daemon: No such container: web-0", ErrorCode::kNotFound},
      {"Error response from daemon: Cannot kill container: web-0: No such container: web-0",
       ErrorCode::kNotFound},
      {"Error response from daemon: No such image: web:1", ErrorCode::kNotFound},
      {"Error response from daemon: no such image: web: No such image: web:latest", ErrorCode::kNotFound},
      {"Error: No such object: web-0", ErrorCode::kNotFound},
      {"Error response from daemon: pull access denied for web, repository does not exist or may require "
       "'docker "
       "login': denied: requested access to the resource is denied",
       ErrorCode::kNotFound},
      {"Error response from daemon: manifest for web:2 not found: manifest unknown: manifest unknown",
       ErrorCode::kNotFound},
      {"Error response from daemon: Get \"https://r/v2/\": unauthorized: authentication required",
       ErrorCode::kInvalid},
      {"Error response from daemon: Conflict. The container name \"/web-0\" is already in use by container "
       "\"4f2a\". You have to remove (or rename) that container to be able to reuse that name.",
       ErrorCode::kConflict},
      {"Error response from daemon: You cannot remove a running container 26c1. Stop the container before "
       "attempting removal or force remove",
       ErrorCode::kConflict},
      {"Error response from daemon: cannot remove container \"/web-0\": container is running: stop the "
       "container "
       "before removing or force remove",
       ErrorCode::kConflict},
      {"Error response from daemon: removal of container 26c1 is already in progress", ErrorCode::kConflict},
      {"Error response from daemon: Container 26c1 is not running", ErrorCode::kConflict},
      {"Error response from daemon: Container 26c1 is paused, unpause the container before exec",
       ErrorCode::kConflict},
      {"Error response from daemon: Get \"http://127.0.0.1:5098/v2/\": dial tcp 127.0.0.1:5098: connect: "
       "connection "
       "refused",
       ErrorCode::kInternal},
      {"Error response from daemon: network blue not found", ErrorCode::kInvalid},
      {"Error response from daemon: invalid reference format", ErrorCode::kInvalid},
      {"unknown flag: --pull\nSee 'docker create --help'.", ErrorCode::kInvalid},
      {"", ErrorCode::kInternal},
      {"\n  \n", ErrorCode::kInternal},
  };
  for (const auto& [text, code] : cases) {
    const auto error = failure_of("docker start web-0", text);
    EXPECT_EQ(error.code, code) << text << " -> " << to_string(error.code);
    EXPECT_TRUE(error.message.starts_with("docker start web-0")) << error.message;
    const bool wants_hint = code == ErrorCode::kPermission || code == ErrorCode::kUnavailable;
    EXPECT_TRUE(!wants_hint || !error.hint.empty()) << text;
  }
}

TEST(Failure, KeepsTheEnginesWordsAndNothingElse) {
  EXPECT_EQ(
      words_of("Error response from daemon: No such container: a\nError: failed to start containers: a\n"),
      "No such container: a");
  EXPECT_EQ(words_of("docker: unknown command: docker x\n\nRun 'docker --help' for more information\n"),
            "unknown command: docker x");
  EXPECT_EQ(words_of("WARNING: Error loading config file: /root/.docker/config.json\r\nError: a.\nb\n"),
            "a.; b");
  EXPECT_EQ(
      words_of("unknown flag: --x\n\nUsage:  docker create [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker "
               "create --help' for more information\n"),
      "unknown flag: --x");
  EXPECT_LE(words_of(std::string(100'000, 'x')).size(), 1024u);
}

TEST(Failure, KnowsWhatIsDoneAlready) {
  const auto of = [](const char* text) { return failure_of("docker", text); };
  EXPECT_TRUE(says_not_running(of("Cannot kill container: a: Container 9b is not running")));
  EXPECT_TRUE(says_not_running(of("No such container: a")));
  EXPECT_FALSE(says_not_running(
      of("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?")));
  EXPECT_FALSE(says_not_running(of("error during connect: the docker daemon is not running")));
  EXPECT_TRUE(says_not_paused(of("Container 26 is not paused")));
  EXPECT_TRUE(says_being_removed(of("removal of container 26 is already in progress")));
  EXPECT_FALSE(says_being_removed(of("You cannot remove a running container 26")));
  EXPECT_TRUE(says_not_a_directory(of("destination \"a:/x\" must be a directory")));
  EXPECT_TRUE(says_unknown_flag(of("unknown flag: --pull"), "--pull"));
}

}  // namespace
}  // namespace holdfast::docker
