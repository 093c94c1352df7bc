// What one step of the loop knows about its service; shared by the step's deciding and telling halves.
#pragma once

#include "controller/reconciler/reconciler.h"

namespace holdfast::reconciler {

struct Reconciler::View {
  const std::string& service;
  Wanted wanted;
  Memory& memory;
  Runtime* runtime = nullptr;  // to act on now
  bool moving = false;         // its instances are still on another runtime than where it is to run
  bool leftovers = false;      // there is something of it on yet another runtime, which has to go
  std::string fallback{};      // why it isn't where it rather would be
  std::string preparing{};     // what its start waits for
  SpecPtr spec{};              // as the runtime can serve it
  Observation observation{};
  HealthView health{};
  planner::PlanInput input{};
  Plan plan{};
  std::optional<Error> error{};
  StepResult result{};
};

// Something of the service is there, be it only a workload without instances.
inline bool is_there(const Observation& observation) {
  return observation.workload.has_value() || !observation.instances.empty();
}

inline bool is_alive(const ObservedInstance& instance) {
  return instance.phase != Phase::kExited;
}

}  // namespace holdfast::reconciler
