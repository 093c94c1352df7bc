// The runtimes this controller has, and which of them serves a spec.
#pragma once

#include <memory>
#include <vector>

#include "controller/model/control_plane.h"
#include "runtimes/runtime.h"

namespace holdfast::reconciler {

// Immutable after construction; thread-safe.
class RuntimeSet {
 public:
  explicit RuntimeSet(std::vector<std::shared_ptr<Runtime>> runtimes) : runtimes_(std::move(runtimes)) {}
  // kUnavailable with a hint when the declared runtime is not one of these. `auto` takes the first.
  [[nodiscard]] Result<Runtime*> resolve(RuntimeKind kind) const;
  [[nodiscard]] const std::vector<std::shared_ptr<Runtime>>& all() const { return runtimes_; }
  [[nodiscard]] std::vector<RuntimeInfo> describe() const;

 private:
  std::vector<std::shared_ptr<Runtime>> runtimes_;
};

}  // namespace holdfast::reconciler
