// From a declared service to the container that runs an instance of it, and back: how a real container
// differs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

// Labels of every container that Holdfast makes. With all three equal it is the instance's own.
inline constexpr const char* kControllerLabel = "holdfast.controller";
inline constexpr const char* kServiceLabel = "holdfast.service";
inline constexpr const char* kOrdinalLabel = "holdfast.ordinal";
inline constexpr const char* kHashLabel = "holdfast.spec-hash";
inline constexpr const char* kIncarnationLabel = "holdfast.incarnation";  // of the run that it was made for

std::string container_name(const std::string& prefix, const InstanceId& id);  // "holdfast-web-0"

bool is_adopted(const ServiceSpec& spec);      // docker.container names one that exists
bool runs_in_docker(const ServiceSpec& spec);  // it says what to run there

// A file in /run/secrets for each secret of the environment, with the variable <NAME>_FILE naming it: neither
// `docker inspect` nor a child of the service shows its value.
CreateSpec container_of(const ServiceSpec& spec, const InstanceId& id, const std::string& controller,
                        std::uint64_t incarnation);
// What is unpacked in the container before each start; no text if the service has no secrets. The values are
// read now.
struct Archive {
  std::string directory{}, tar{};
};
Result<Archive> secrets_archive(const ServiceSpec& spec);

// Field by field: "memory: 512Mi is declared, no limit is in force". Compares what the spec declares; of a
// container that Holdfast made also limits and privileges that it does not, and always the engine's own
// restart policy. Values of the environment are not told.
std::vector<std::string> drift_of(const ServiceSpec& spec, const Container& container,
                                  const std::string& name);

}  // namespace holdfast::docker
