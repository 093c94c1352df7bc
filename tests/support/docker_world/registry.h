// A real registry, for pulls; within the network namespace of the engines, which trust it without TLS.
#pragma once

#include <string>

#include <sys/types.h>

#include "tests/support/docker_world/docker_world.h"

namespace holdfast::test {

// Runs from construction on, and ends with the object. Not thread-safe.
class Registry {
 public:
  struct Options {
    bool auth = false;  // only for user "holdfast" with password "secret"
  };
  explicit Registry(const EngineAddress& engine) : Registry(engine, Options{}) {}
  Registry(EngineAddress engine, Options options);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }  // "127.0.0.1:35481"
  // Pushes an image of the engine's, and leaves the engine without the name that it returns.
  [[nodiscard]] std::string publish(const std::string& image, const std::string& name) const;
  // The same with a new image that holds a file of that size, which can't be compressed.
  [[nodiscard]] std::string publish_file(size_t bytes, const std::string& name) const;
  void hang() const;  // a pull neither goes on nor fails
  void resume() const;
  void kill() const;  // connections are refused from now on

 private:
  [[nodiscard]] pid_t pid() const;

  EngineAddress engine_;
  std::string directory_, address_;
};

}  // namespace holdfast::test
