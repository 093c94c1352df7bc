// A declared check as a kubelet makes it.
#pragma once

#include "controller/base/json.h"
#include "controller/model/service_spec.h"

namespace holdfast::kubernetes {

// null: no kubelet can make this check (heartbeat, notify). Times are whole seconds there, rounded up.
// passes_once: a startup or liveness probe, which counts as passed after one success whatever is declared.
Json probe_manifest(const Probe& probe, bool passes_once);

}  // namespace holdfast::kubernetes
