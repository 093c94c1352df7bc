// A docker runtime over a real engine, in a temporary state dir; replaceable, as a controller is. What it
// makes on the engine has a prefix of its own, and goes with it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "runtimes/docker/client/client.h"
#include "runtimes/docker/docker_runtime.h"
#include "tests/support/heard.h"
#include "tests/support/support.h"

namespace holdfast::test {

enum class DockerMode { kEngine, kCli };

class DockerBench {
 public:
  // host: "unix:///..."; empty: that of the tests' engine.
  explicit DockerBench(DockerMode mode = DockerMode::kEngine, std::string host = {});
  ~DockerBench();  // removes all containers with its prefix
  DockerBench(const DockerBench&) = delete;
  DockerBench& operator=(const DockerBench&) = delete;

  [[nodiscard]] Runtime& runtime() { return *runtime_; }
  [[nodiscard]] docker::Client& client() { return *client_; }  // to look from outside, and to act by hand
  // Runs `docker ARGUMENTS...` against the engine, as a person would; its output, or a failed expectation.
  std::string by_hand(std::vector<std::string> arguments);
  [[nodiscard]] const std::string& state_dir() const { return directory_.path(); }
  [[nodiscard]] std::string container(const std::string& service, int ordinal = 0) const;
  void replace_adapter();  // nothing but the state dir and the containers remains
  void drop_adapter() { runtime_.reset(); }
  void make_adapter();
  void declare(const std::vector<ServiceSpec>& specs);
  // The one instance of a service, as the runtime sees it now.
  std::optional<ObservedInstance> see(const std::string& service, int ordinal = 0);
  bool reaches(const std::string& service, Phase phase);
  Status start(const ServiceSpec& spec, std::uint64_t incarnation = 1, std::uint64_t nonce = 0);
  Status stop(const std::string& service, std::uint64_t incarnation = 1, int signal = 15);
  // Services and notes that the adapter told of, since the last forget().
  bool told(const std::string& service) { return heard_.told(service); }
  std::vector<RuntimeNote> notes() { return heard_.notes(); }
  void forget() { heard_.forget(); }
  void undeclare(const std::string& service);
  // As make_adapter() will make them; for tests that put something in between.
  std::function<std::unique_ptr<docker::Client>()> make_engine, make_cli;
  docker::LinkOptions link{};

  // Runs the words by the image's shell: spec("web", {"sh", "-c", "..."}).
  static ServiceSpec spec(const std::string& name, std::vector<std::string> argv);
  static ServiceSpec shell(const std::string& name, const std::string& script);
  static const char* image();
  static std::string engine_host();

 private:
  const std::string prefix_, host_;
  TempDir directory_;
  SystemClock clock_;
  std::map<std::string, SpecPtr> declared_;
  std::unique_ptr<docker::Client> client_;
  Heard heard_;
  std::unique_ptr<Runtime> runtime_;
};

// Runs until it is asked to stop, and dies of TERM as far as a container's first process can.
inline constexpr const char* kRunsOnScript = "trap 'exit 143' TERM; sleep 100000 & wait";

}  // namespace holdfast::test
