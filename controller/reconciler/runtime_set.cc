#include "controller/reconciler/runtime_set.h"

namespace holdfast::reconciler {

Result<Runtime*> RuntimeSet::resolve(RuntimeKind kind) const {
  for (const auto& runtime : runtimes_) {
    if (kind == RuntimeKind::kAuto || runtime->kind() == kind) return runtime.get();
  }
  std::string available;
  for (const auto& runtime : runtimes_)
    available += (available.empty() ? "" : ", ") + std::string(to_string(runtime->kind()));
  return fail(ErrorCode::kUnavailable,
              "the runtime '" + std::string(to_string(kind)) + "' is not available on this controller",
              "available: " + available + "; or declare runtime: auto");
}

std::vector<RuntimeInfo> RuntimeSet::describe() const {
  std::vector<RuntimeInfo> infos;
  infos.reserve(runtimes_.size());
  for (const auto& runtime : runtimes_) infos.push_back({runtime->kind(), true, "", runtime->capabilities()});
  return infos;
}

}  // namespace holdfast::reconciler
