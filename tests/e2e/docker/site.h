// What these tests share: a controller that finds its engine through DOCKER_HOST, services in containers of
// the test image, and short questions about the API's answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/harness/controller.h"
#include "tests/support/docker_world/docker_world.h"
#include "tests/support/unix_proxy/unix_proxy.h"

namespace holdfast::test {

// "unix:///..." for DOCKER_HOST; nothing of this machine's own docker configuration takes part.
ControllerSetup reaching(const std::string& host);
// The same as `nobody`, who may use only what everybody may. The controller's directory is given to it.
void run_as_nobody(Controller& controller);

// A document: restarts come at once and without a limit, services are looked at again each second.
// `head` are sections beside them, `controller` more of its settings: ", workers: 1".
std::string document(const std::string& services, const std::string& head = "",
                     const std::string& controller = "");
// Entries of it. `more`: lines of the service's own, indented by four. All end at once when TERM comes.
std::string container_service(const std::string& name, const std::string& more = "");
std::string process_service(const std::string& name, const std::string& more = "");
std::string auto_service(const std::string& name);                                       // runs as either
inline constexpr const char* kProgram = R"([test-service, exit-on, "15", "0", pause])";  // of the image

std::string container_of(const std::string& service, int ordinal = 0);  // "holdfast-web-0"
// The engine's own word on a container's main process; 0: it doesn't run.
std::int64_t main_pid(const EngineAddress& engine, const std::string& container);
// Containers of a service in any state, by their labels.
size_t count_containers(const EngineAddress& engine, const std::string& service);
// The container that `docker create` makes for services that adopt one.
void create_by_hand(const EngineAddress& engine, const std::string& name);

// Processes of process_service() and auto_service(), found by the controller's mark.
std::vector<std::int64_t> sleepers_of(const Controller& controller);

std::int64_t pid_of(const Json& service);  // of its first instance; 0: none
bool is_running(const Json& service);
bool is_unknown(const Json& service);
Json condition_of(const Json& service, const std::string& type);  // null: it has none
// "Exited:crash", "Started:" ...: types with their causes, the oldest first.
std::vector<std::string> events_of(const Controller& controller, const std::string& service);
// Until it runs; its pid.
std::int64_t wait_running(const Controller& controller, const std::string& service);
Json runtime_of(const Controller& controller, const std::string& name);  // of GET /api/v1/runtimes
bool wait_docker(const Controller& controller,
                 const std::string& mode);  // "engine", "cli"; "": not available
// Until the engine has been found gone, and the service with it.
std::optional<Json> wait_unknown(const Controller& controller, const std::string& service);

}  // namespace holdfast::test
