// A controller's docker runtime on an engine in memory.
#pragma once

#include <filesystem>
#include <functional>

#include "runtimes/docker/docker_runtime.h"
#include "runtimes/docker/record.h"
#include "runtimes/docker/spec_container.h"
#include "tests/fakes/fake_docker_client.h"
#include "tests/support/support.h"

namespace holdfast::docker::test {

using holdfast::test::FakeDockerClient;
using holdfast::test::FakeDockerEngine;
using holdfast::test::SimClock;
using holdfast::test::TempDir;
using holdfast::test::wait_until;

inline Error error_of(ErrorCode code, const std::string& message = "it went wrong") {
  return {.code = code, .message = message, .hint = {}};
}

class World : public testing::Test {
 protected:
  World() {
    engine_.images().put("web:1", "sha256:1");
    engine_.images().put("web:2", "sha256:2");
  }

  void TearDown() override { runtime_.reset(); }  // before what it tells

  // The controller begins, or begins anew after it died.
  void boot() {
    runtime_.reset();
    runtime_ = make(dir_, client_);
  }
  std::unique_ptr<Runtime> make(const TempDir& dir, FakeDockerClient*& client) {
    auto owned = std::make_unique<FakeDockerClient>(engine_);
    client = owned.get();
    DockerRuntimeOptions options{.state_dir = dir.path()};
    options.link.relist = std::chrono::hours{1};
    options.link.first_retry = std::chrono::milliseconds{1};
    auto made = make_docker_runtime(clock_, std::move(options), std::move(owned), nullptr);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  // And waits until all is listed and followed.
  void declare(const std::vector<ServiceSpec>& specs) {
    std::map<std::string, SpecPtr> services;
    for (const auto& spec : specs) services[spec.name] = std::make_shared<const ServiceSpec>(spec);
    const int before = client_->calls("list");
    runtime_->declare(services);
    if (specs.empty() && before == 0) return;
    EXPECT_TRUE(wait_until([&] { return client_->calls("list") > before; }));
    EXPECT_TRUE(
        wait_until([&] { return runtime_->availability().available && engine_.events().followers() > 0; }));
  }

  static ServiceSpec web(const std::string& image = "web:1", const std::string& hash = "hash-1") {
    ServiceSpec spec;
    spec.name = "web";
    spec.spec_hash = hash;
    spec.runtime = RuntimeKind::kDocker;
    spec.argv = {"serve"};
    spec.docker.image = image;
    return spec;
  }
  static ServiceSpec adopted(const std::string& container = "pg") {
    auto spec = web("", "hash-adopted");
    spec.argv.clear();
    spec.docker.container = container;
    return spec;
  }
  void make_pg() { EXPECT_TRUE(engine_.create("pg", {.image = "web:1", .command = {"postgres"}})); }

  static ActionContext context(const ServiceSpec& spec, std::uint64_t nonce = 0) {
    return {.spec = std::make_shared<const ServiceSpec>(spec), .restart_nonce = nonce};
  }
  Status start(const ServiceSpec& spec, std::uint64_t incarnation, int ordinal = 0) {
    return runtime_->execute(
        StartInstance{.id = {spec.name, ordinal}, .incarnation = incarnation, .reason = {}}, context(spec));
  }
  Status stop(std::uint64_t incarnation, int signal = 15) {
    return runtime_->execute(
        SignalInstance{.id = {"web", 0}, .incarnation = incarnation, .signal = signal, .reason = {}}, {});
  }
  Status kill(std::uint64_t incarnation) {
    return runtime_->execute(KillInstance{.id = {"web", 0}, .incarnation = incarnation, .reason = {}}, {});
  }
  Status remove(const ServiceSpec& spec, std::uint64_t incarnation, int ordinal = 0) {
    return runtime_->execute(
        RemoveInstance{.id = {spec.name, ordinal}, .incarnation = incarnation, .reason = {}}, context(spec));
  }
  // "1 Running", "2 Exited: exit code 3"; of several one after the other; "" if there is nothing.
  std::string seen(const std::string& service = "web") {
    const auto observation = runtime_->observe(service);
    if (!observation) return "! " + observation.error().message;
    std::string text;
    for (const auto& instance : observation->instances) {
      if (!text.empty()) text += ", ";
      text += std::to_string(instance.incarnation) + " " + std::string(to_string(instance.phase));
      if (instance.exit) text += ": " + instance.exit->reason;
    }
    return text;
  }
  [[nodiscard]] std::string id_of(const std::string& name = "holdfast-web-0") const {
    return engine_.look(name).id;
  }
  [[nodiscard]] std::string record_path(int ordinal = 0) const {
    return dir_ / ("docker/web/" + std::to_string(ordinal) + ".json");
  }

  TempDir dir_;
  SimClock clock_;
  FakeDockerEngine engine_{clock_};
  FakeDockerClient* client_ = nullptr;
  std::unique_ptr<Runtime> runtime_;
};

}  // namespace holdfast::docker::test
