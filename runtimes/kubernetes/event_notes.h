// Warning Events of pods as notes: each cause once, however often a cluster repeats it.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "runtimes/runtime.h"

namespace holdfast::kubernetes {

// Not thread-safe.
class EventNotes {
 public:
  explicit EventNotes(WallTime since) : since_(since) {}
  // nullopt: told before, or older than this controller.
  std::optional<RuntimeNote> take(const Json& event, const std::string& service);

 private:
  WallTime since_;
  std::set<std::string> told_;
};

}  // namespace holdfast::kubernetes
