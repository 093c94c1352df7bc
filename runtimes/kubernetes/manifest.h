// From a declared service to the objects that run it: a Deployment and, with ports, a Service, as they are
// given to server-side apply. Only what is declared is in them; the rest stays the cluster's.
// Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/model/service_spec.h"

namespace holdfast::kubernetes {

struct ManifestOptions {
  std::string namespace_{};
  std::string controller{};  // kControllerLabel
  std::uint64_t restart_nonce = 0;
  // Of the Deployment that exists, which can't be changed; null: there is none yet.
  Json selector{};
};

struct Manifest {
  Json deployment{};
  std::optional<Json> service{};
  [[nodiscard]] const std::string& hash() const;
  [[nodiscard]] std::uint64_t restart_nonce() const;
};

Manifest manifest_of(const ServiceSpec& spec, const ManifestOptions& options);

// As one value, to be kept in an annotation; nullopt: that is no such value.
Json to_json(const Manifest& manifest);
std::optional<Manifest> manifest_from(const Json& value);

// What a cluster can't do for this service. kInvalid, terminal.
Status check_spec(const ServiceSpec& spec);

std::string namespace_of(const ServiceSpec& spec, const std::string& otherwise);
// takes_auto: services that leave the runtime to Holdfast run here, if they say what to run.
bool runs_in_kubernetes(const ServiceSpec& spec, bool takes_auto);

}  // namespace holdfast::kubernetes
