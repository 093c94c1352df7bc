#include "tests/support/docker_bench/docker_bench.h"

#include <cstdlib>
#include <stdexcept>

#include <gtest/gtest.h>
#include <unistd.h>

#include "controller/base/text.h"
#include "runtimes/docker/cli/cli_client.h"
#include "runtimes/docker/cli/command.h"
#include "runtimes/docker/engine/endpoint.h"
#include "runtimes/docker/engine/engine_client.h"
#include "runtimes/docker/spec_container.h"

namespace holdfast::test {

namespace {

docker::Endpoint endpoint_of(const std::string& host) {
  auto endpoint = docker::endpoint_from(
      [&](const std::string& name) { return name == "DOCKER_HOST" ? std::optional(host) : std::nullopt; },
      [](const std::string&) { return true; });
  if (!endpoint) throw std::runtime_error(endpoint.error().message);
  return std::move(*endpoint);
}

std::string fresh_prefix() {
  static int count = 0;
  return "hft-" + std::to_string(getpid()) + "-" + std::to_string(++count) + "-";
}

}  // namespace

std::string DockerBench::engine_host() {
  const char* host = std::getenv("HOLDFAST_TEST_DOCKER");
  if (!host) throw std::runtime_error("HOLDFAST_TEST_DOCKER is not set: run these tests with ctest");
  return host;
}

const char* DockerBench::image() {
  const char* image = std::getenv("HOLDFAST_TEST_IMAGE");
  return image ? image : "holdfast-test:1";
}

DockerBench::DockerBench(DockerMode mode, std::string the_host)
    : prefix_(fresh_prefix()), host_(the_host.empty() ? engine_host() : std::move(the_host)) {
  const auto& host = host_;
  client_ = docker::make_engine_client(endpoint_of(host), clock_);
  make_engine = [this, host, mode] {
    return mode == DockerMode::kCli ? nullptr : docker::make_engine_client(endpoint_of(host), clock_);
  };
  make_cli = [this, host, mode] {
    docker::CliOptions options;
    options.environment = {"DOCKER_HOST=" + host};
    return mode == DockerMode::kCli ? docker::make_cli_client(std::move(options), clock_) : nullptr;
  };
  link.first_retry = std::chrono::milliseconds{20};
  auto anything = std::make_shared<ServiceSpec>(spec("anything", {"true"}));
  anything->desired = Desired::kStopped;
  declared_["anything"] = anything;
}

DockerBench::~DockerBench() {
  runtime_.reset();
  const auto all = client_->list("holdfast.prefix=" + prefix_);
  if (!all) return;
  for (const auto& row : *all) {
    static_cast<void>(client_->signal(row.id, 9));
    wait_until([&] {
      const auto removed = client_->remove(row.id);
      return removed || removed.error().code != ErrorCode::kConflict;
    });
  }
}

void DockerBench::make_adapter() {
  DockerRuntimeOptions options{.state_dir = directory_.path(), .name_prefix = prefix_, .link = link};
  options.labels["holdfast.prefix"] = prefix_;
  auto made = make_docker_runtime(clock_, std::move(options), make_engine(), make_cli());
  if (!made) throw std::runtime_error(made.error().message);
  runtime_ = std::move(*made);
  heard_.listen_to(*runtime_);
  runtime_->declare(declared_);
  if (!wait_until([&] { return runtime_->availability().known; }))
    throw std::runtime_error("nobody looked for the engine");
}

void DockerBench::replace_adapter() {
  drop_adapter();
  make_adapter();
}

void DockerBench::declare(const std::vector<ServiceSpec>& specs) {
  for (const auto& spec : specs) declared_[spec.name] = std::make_shared<const ServiceSpec>(spec);
  runtime_->declare(declared_);
}

std::string DockerBench::by_hand(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"docker", "--host", host_});
  const auto done = docker::run_command({.argv = arguments}, clock_, {.total = std::chrono::seconds{60}});
  if (!done || done->exit_code != 0)
    ADD_FAILURE() << join(arguments, " ") << ": " << (done ? done->err : done.error().message);
  return done ? done->out : std::string();
}

std::optional<ObservedInstance> DockerBench::see(const std::string& service, int ordinal) {
  const auto seen = runtime_->observe(service);
  if (!seen) {
    ADD_FAILURE() << seen.error().message;
    return std::nullopt;
  }
  for (const auto& instance : seen->instances) {
    if (instance.id.ordinal == ordinal) return instance;
  }
  return std::nullopt;
}

bool DockerBench::reaches(const std::string& service, Phase phase) {
  return wait_until([&] {
    const auto seen = runtime_->observe(service);
    return seen && !seen->instances.empty() && seen->instances.back().phase == phase;
  });
}

Status DockerBench::start(const ServiceSpec& spec, std::uint64_t incarnation, std::uint64_t nonce) {
  const auto declared = std::make_shared<const ServiceSpec>(spec);
  declared_[spec.name] = declared;
  runtime_->declare(declared_);
  return runtime_->execute(StartInstance{{spec.name, 0}, incarnation, "test"}, {declared, nonce});
}

Status DockerBench::stop(const std::string& service, std::uint64_t incarnation, int signal) {
  return runtime_->execute(SignalInstance{{service, 0}, incarnation, signal, "test"}, {declared_[service]});
}

void DockerBench::undeclare(const std::string& service) {
  declared_.erase(service);
  runtime_->declare(declared_);
}

std::string DockerBench::container(const std::string& service, int ordinal) const {
  return docker::container_name(prefix_, {service, ordinal});
}

ServiceSpec DockerBench::spec(const std::string& name, std::vector<std::string> argv) {
  ServiceSpec spec;
  spec.name = name;
  spec.spec_hash = "hash";
  spec.runtime = RuntimeKind::kDocker;
  spec.argv = std::move(argv);
  spec.docker.image = image();
  spec.docker.network = "none";  // the quickest
  return spec;
}

ServiceSpec DockerBench::shell(const std::string& name, const std::string& script) {
  return spec(name, {"sh", "-c", script});
}

}  // namespace holdfast::test
