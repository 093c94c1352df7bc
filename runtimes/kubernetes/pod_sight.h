// A pod as the loop sees it: one instance, with the real cause of what is wrong.
// Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
#pragma once

#include <string>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/model/observation.h"

namespace holdfast::kubernetes {

struct Moment {
  MonoTime mono{};
  WallTime wall{};
};

// `unhealthy`: what the newest event of a failed check says of this pod; may be empty.
ObservedInstance look_at_pod(const Json& pod, const InstanceId& id, const std::string& unhealthy,
                             const Moment& now);

// "exit code 3", "killed by signal 9 (KILL), out of memory". `terminated` is a ContainerStateTerminated.
ExitRecord exit_of(const Json& terminated);

const Json& own_status(const Json& pod);  // of the service's container; null: none yet
const Json& condition(const Json& object, std::string_view type);  // null: there is none

}  // namespace holdfast::kubernetes
