// The identity of what a runtime has to run: a changed hash replaces the running instances.
#pragma once

#include <string>

#include "controller/model/service_spec.h"

namespace holdfast::config {

// 32 hex digits: the first 16 bytes of SHA-256 over canonical JSON of argv, environment (references, not
// secrets), working directory, user, resources in their base units, runtime and the options of the runtimes
// that it may use. Left out is all that Holdfast itself does and can change on the fly: replicas, desired,
// restart, stop, health, dependencies, collectors, logs, labels and the parameters as such. Thread-safe.
std::string spec_hash(const ServiceSpec& spec);

// In the same form, of a service's merged declaration as it is written.
std::string declaration_hash(const Json& merged);

// All but generation and hashes.
bool same_declaration(const ServiceSpec& a, const ServiceSpec& b);

}  // namespace holdfast::config
