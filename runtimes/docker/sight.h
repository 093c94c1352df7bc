// What a container and the record of its newest run amount to: the run as the loop sees it.
#pragma once

#include <optional>
#include <string>

#include "controller/model/observation.h"
#include "runtimes/docker/client/client.h"
#include "runtimes/docker/record.h"

namespace holdfast::docker {

struct Moment {
  MonoTime mono{};
  WallTime wall{};
  std::string boot{};
};

struct Sight {
  std::optional<ObservedInstance> instance{};  // nullopt: there is nothing to tell of
  bool started_by_others = false;              // a start that Holdfast did not make; the record counts it now
};

// Brings the record up to date with the container. Pure but for that; times are the engine's, kept as text.
Sight look(RunRecord& record, const Container& container, const InstanceId& id, const Moment& now);

// "exit code 3", "killed by signal 9 (KILL)"; engines report death by signal n as 128 + n.
ExitRecord exit_of(const Container& container);

}  // namespace holdfast::docker
