// A Deployment as the loop sees it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/model/observation.h"
#include "controller/model/service_spec.h"
#include "runtimes/kubernetes/book.h"
#include "runtimes/kubernetes/informer/informer.h"
#include "runtimes/kubernetes/manifest.h"

namespace holdfast::kubernetes {

// What is known of a service at one moment; the Deployment's managedFields may be reduced to foreign_fields.
struct Sighting {
  ObjectPtr deployment{};      // null: there is none
  ObjectPtr service{};         // likewise
  bool services_seen = false;  // whether a missing Service is known to be missing
  std::string scaler{};        // "HorizontalPodAutoscaler web"
  SpecPtr declared{};          // null: nobody declares it
  ManifestOptions options{};   // as it would be applied with
};

// Pure. `cause`: what is wrong with its pods, for `stalled`.
ObservedWorkload look_at_workload(const Sighting& sighting, const std::string& cause);

// Its rollout is done and every replica serves: that spec can be gone back to.
bool is_fully_available(const Json& deployment);
bool is_rolling_out(const Json& deployment);

// The manifest that should be in force: the declared one, with the Deployment's own selector and its nonce if
// that is newer. Replicas are those in force where somebody else scales it.
Manifest wanted_manifest(const Sighting& sighting, const Book& book);

}  // namespace holdfast::kubernetes
