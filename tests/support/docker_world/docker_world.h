// The Docker Engines that tests run against: the one that the tests of a build share (holdfast_docker_test()
// in cmake/HoldfastRooms.cmake), and engines of a test's own, to stop and to break. Not thread-safe, but for
// docker(), which any thread may call.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/support/program.h"

namespace holdfast::test {

// Where an engine is, and the command line client for it, which serves Podman as well.
class EngineAddress {
 public:
  EngineAddress(std::string host, std::string netns) : host_(std::move(host)), netns_(std::move(netns)) {}
  [[nodiscard]] const std::string& host() const { return host_; }  // "unix:///tmp/x/docker.sock"
  [[nodiscard]] std::string socket() const { return host_.substr(sizeof("unix://") - 1); }
  [[nodiscard]] const std::string& netns() const { return netns_; }  // for nsenter --net=
  // Runs `docker ARGUMENTS`: for what a person does by hand.
  [[nodiscard]] Finished docker(const std::vector<std::string>& arguments) const;
  // The same; fails the test unless it succeeds. The output without its last newline.
  std::string docker_ok(const std::vector<std::string>& arguments) const;

 private:
  std::string host_, netns_;
};

enum class EngineKind { kDocker, kPodman };  // the latter for holdfast_docker_test(... PODMAN ...)

// A shared engine, and this object's own part of it.
class DockerWorld {
 public:
  explicit DockerWorld(EngineKind kind = EngineKind::kDocker);  // throws outside of the fixture
  ~DockerWorld();  // removes every container with the prefix in its name
  DockerWorld(const DockerWorld&) = delete;
  DockerWorld& operator=(const DockerWorld&) = delete;

  [[nodiscard]] const EngineAddress& engine() const { return engine_; }
  [[nodiscard]] Finished docker(const std::vector<std::string>& arguments) const {
    return engine_.docker(arguments);
  }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }  // "t5f03a9c1", of no other object
  [[nodiscard]] std::string name(const std::string& word) const { return prefix_ + "-" + word; }
  [[nodiscard]] const std::string& image() const { return image_; }

 private:
  EngineAddress engine_;
  std::string prefix_, image_;
};

// An engine of the test's own, with the test images in it; runs from construction on. The destructor ends it
// and all that it ran; what a killed test leaves, the fixture's end takes along.
class PrivateEngine {
 public:
  struct Options {
    bool live_restore = false;  // containers survive the engine's end
  };
  PrivateEngine() : PrivateEngine(Options{}) {}
  explicit PrivateEngine(Options options);
  ~PrivateEngine();
  PrivateEngine(const PrivateEngine&) = delete;
  PrivateEngine& operator=(const PrivateEngine&) = delete;

  [[nodiscard]] const EngineAddress& engine() const { return engine_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] Finished docker(const std::vector<std::string>& arguments) const {
    return engine_.docker(arguments);
  }
  [[nodiscard]] pid_t pid() const;  // of dockerd; -1: it doesn't run
  void up() const;                  // after stop() or kill(); returns when it answers
  void stop() const;  // as a service manager does, and waits; containers end unless live_restore
  void kill() const;  // and waits; containers run on
  void hang() const;  // it takes connections, and never answers
  void resume() const;

 private:
  Options options_;
  std::string directory_;
  EngineAddress engine_;
};

}  // namespace holdfast::test
