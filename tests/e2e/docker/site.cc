#include "tests/e2e/docker/site.h"

#include <algorithm>

#include <unistd.h>

#include "controller/base/file.h"

namespace holdfast::test {

ControllerSetup reaching(const std::string& host) {
  return {.env = {{"DOCKER_HOST", host}, {"DOCKER_CONFIG", "/nonexistent"}}};
}

void run_as_nobody(Controller& controller) {
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(chown(controller.dir().path().c_str(), kNobody, kNobody), 0);
  controller.setup().launcher = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
}

std::string document(const std::string& services, const std::string& head, const std::string& controller) {
  return "apiVersion: holdfast/v1\n" + head + "controller: {resync: 1s" + controller +
         "}\n"
         "defaults:\n"
         "  restart: {backoff: {initial: 10ms, base: 10ms, max: 10ms, jitter: 0}, budget: {attempts: 0}}\n"
         "services:\n" +
         services;
}

std::string container_service(const std::string& name, const std::string& more) {
  return "  " + name + ":\n    runtime: docker\n    command: " + kProgram +
         "\n    docker: {image: holdfast-test:1, network: none}\n" + more;
}

std::string process_service(const std::string& name, const std::string& more) {
  return "  " + name + ":\n    runtime: process\n    command: [sleep, \"1000000\"]\n" + more;
}

std::string auto_service(const std::string& name) {
  return "  " + name +
         ":\n    runtime: auto\n    command: [sleep, \"1000000\"]\n"
         "    docker: {image: holdfast-test:1, network: none}\n    stop: {gracePeriod: 1s}\n";
}

std::string container_of(const std::string& service, int ordinal) {
  return "holdfast-" + service + "-" + std::to_string(ordinal);
}

std::int64_t main_pid(const EngineAddress& engine, const std::string& container) {
  const auto told = engine.docker({"inspect", "--format", "{{.State.Pid}}", container});
  return told.status == 0 ? std::atoll(told.output.c_str()) : 0;
}

size_t count_containers(const EngineAddress& engine, const std::string& service) {
  const auto ids =
      engine.docker_ok({"ps", "--all", "--quiet", "--filter", "label=holdfast.service=" + service});
  return ids.empty() ? 0 : 1 + static_cast<size_t>(std::count(ids.begin(), ids.end(), '\n'));
}

void create_by_hand(const EngineAddress& engine, const std::string& name) {
  engine.docker_ok({"create", "--name", name, "--network", "none", "holdfast-test:1", "test-service",
                    "exit-on", "15", "0", "pause"});
}

std::vector<std::int64_t> sleepers_of(const Controller& controller) {
  std::vector<std::int64_t> sleepers;
  for (const pid_t pid : controller.marked_processes()) {
    if (read_file("/proc/" + std::to_string(pid) + "/comm").value_or("") == "sleep\n")
      sleepers.push_back(pid);
  }
  return sleepers;
}

std::int64_t pid_of(const Json& service) {
  const auto& instances = service.at("instances").items();
  return instances.empty() ? 0 : instances[0].at("pid").as_int();
}

bool is_running(const Json& service) {
  return service.at("phase").as_string() == "Running" && pid_of(service) > 0;
}

bool is_unknown(const Json& service) {
  return service.at("phase").as_string() == "Unknown";
}

Json condition_of(const Json& service, const std::string& type) {
  for (const auto& condition : service.at("conditions").items()) {
    if (condition.at("type").as_string() == type) return condition;
  }
  return {};
}

std::vector<std::string> events_of(const Controller& controller, const std::string& service) {
  std::vector<std::string> events;
  const auto answer = controller.get("/api/v1/services/" + service + "/events?limit=1000").json;
  for (const auto& event : answer.at("items").items())
    events.push_back(event.at("type").as_string() + ":" + event.at("cause").as_string());
  return events;
}

std::int64_t wait_running(const Controller& controller, const std::string& service) {
  const auto up = controller.wait_service(service, is_running);
  return up ? pid_of(*up) : 0;
}

Json runtime_of(const Controller& controller, const std::string& name) {
  const auto answer = controller.get("/api/v1/runtimes").json;
  for (const auto& runtime : answer.at("items").items()) {
    if (runtime.at("name").as_string() == name) return runtime;
  }
  return {};
}

bool wait_docker(const Controller& controller, const std::string& mode) {
  return wait_until([&] {
    const auto docker = runtime_of(controller, "docker");
    return docker.at("available").as_bool() == !mode.empty() && docker.at("mode").as_string() == mode &&
           docker.at("message").as_string() != "Docker is being looked for";
  });
}

std::optional<Json> wait_unknown(const Controller& controller, const std::string& service) {
  return controller.wait_service(service, is_unknown);
}

}  // namespace holdfast::test
