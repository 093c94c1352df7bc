// A pod as the loop sees it: one instance, with the real cause of what is wrong.
// Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/model/observation.h"

namespace holdfast::kubernetes {

struct Moment {
  MonoTime mono{};
  WallTime wall{};
};

// What the newest Warning Events of a pod say that its status doesn't.
struct PodNews {
  std::string unhealthy{};  // "Readiness probe failed: HTTP probe failed with statuscode: 503"
  std::optional<WallTime> unhealthy_at{};
  std::string pull{};   // "Failed to pull image ..."
  std::string setup{};  // what is missing before its containers: a volume, a network
};
// Whether it told anything new.
bool take_news(PodNews& news, const Json& event);

ObservedInstance look_at_pod(const Json& pod, const InstanceId& id, const PodNews& news, const Moment& now);

// "exit code 3", "killed by signal 9 (KILL), out of memory". `terminated` is a ContainerStateTerminated.
ExitRecord exit_of(const Json& terminated);

const Json& own_status(const Json& pod);  // of the service's container; null: none yet
const Json& condition(const Json& object, std::string_view type);  // null: there is none

}  // namespace holdfast::kubernetes
