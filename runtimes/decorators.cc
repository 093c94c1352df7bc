#include "runtimes/decorators.h"

namespace holdfast {

Status DryRunRuntime::execute(const Action& action, const ActionContext& /*context*/) {
  const std::lock_guard lock(mutex_);
  if (actions_.size() == kMaxKept) actions_.pop_front();
  actions_.push_back(action);
  return {};
}

std::vector<Action> DryRunRuntime::would_do() const {
  const std::lock_guard lock(mutex_);
  return {actions_.begin(), actions_.end()};
}

}  // namespace holdfast
