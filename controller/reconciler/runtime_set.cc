#include "controller/reconciler/runtime_set.h"

#include <algorithm>
#include <array>

namespace holdfast::reconciler {

namespace {

// Whether the spec says what to run there.
bool can_run(const ServiceSpec& spec, RuntimeKind kind) {
  switch (kind) {
    case RuntimeKind::kProcess:
      return !spec.argv.empty();
    case RuntimeKind::kDocker:
      return !spec.docker.image.empty() || !spec.docker.container.empty();
    case RuntimeKind::kKubernetes:
      return !spec.kubernetes.image.empty() || !spec.kubernetes.pod_template.is_null();
    case RuntimeKind::kAuto:
      break;
  }
  return false;
}

std::string name_of(const Runtime& runtime) {
  return std::string(to_string(runtime.kind()));
}

// Why a service is not on the runtime that would be its first choice.
std::string why_elsewhere(const Runtime& first_choice) {
  const auto now = first_choice.availability();
  return now.available ? name_of(first_choice) +
                             " could not be used when it was started; it moves there with its next restart"
                       : name_of(first_choice) + " can't be used: " + now.message;
}

}  // namespace

Runtime* RuntimeSet::find(RuntimeKind kind) const {
  const auto found = std::find_if(runtimes_.begin(), runtimes_.end(),
                                  [&](const auto& runtime) { return runtime->kind() == kind; });
  return found == runtimes_.end() ? nullptr : found->get();
}

bool RuntimeSet::is_known() const {
  return std::all_of(runtimes_.begin(), runtimes_.end(),
                     [](const auto& runtime) { return runtime->availability().known; });
}

bool RuntimeSet::is_local(const ServiceSpec& spec) const {
  const auto choices = candidates(spec);
  return std::all_of(choices.begin(), choices.end(),
                     [](const Runtime* runtime) { return runtime->kind() == RuntimeKind::kProcess; });
}

std::vector<Runtime*> RuntimeSet::candidates(const ServiceSpec& spec) const {
  if (spec.runtime != RuntimeKind::kAuto) {
    auto* declared = find(spec.runtime);
    return declared ? std::vector<Runtime*>{declared} : std::vector<Runtime*>{};
  }
  constexpr std::array kOrder{RuntimeKind::kKubernetes, RuntimeKind::kDocker, RuntimeKind::kProcess};
  std::vector<Runtime*> out;
  for (const auto kind : kOrder) {
    if (kind == RuntimeKind::kKubernetes && !in_cluster_) continue;
    auto* runtime = find(kind);
    if (runtime && can_run(spec, kind)) out.push_back(runtime);
  }
  // Says itself what it lacks.
  if (out.empty() && !runtimes_.empty()) out.push_back(runtimes_.front().get());
  return out;
}

Result<Placement> RuntimeSet::place(const ServiceSpec& spec, Runtime* home) const {
  const auto choices = candidates(spec);
  if (choices.empty()) {
    std::string available;
    for (const auto& runtime : runtimes_) available += (available.empty() ? "" : ", ") + name_of(*runtime);
    return fail(
        ErrorCode::kUnavailable,
        "the runtime '" + std::string(to_string(spec.runtime)) + "' is not available on this controller",
        "available: " + available + "; or declare runtime: auto");
  }
  if (spec.runtime != RuntimeKind::kAuto) return Placement{choices.front()};
  if (std::find(choices.begin(), choices.end(), home) != choices.end())
    return Placement{home, home == choices.front() ? std::string() : why_elsewhere(*choices.front())};
  std::string fallback;
  for (auto* choice : choices) {
    const auto now = choice->availability();
    if (!now.known) return fail(ErrorCode::kUnavailable, now.message);
    if (now.available) return Placement{choice, std::move(fallback)};
    fallback = why_elsewhere(*choice);
  }
  if (choices.size() == 1) return Placement{choices.front()};
  return fail(ErrorCode::kUnavailable, "no runtime can be used: " + fallback);
}

Status RuntimeSet::validate(const ServiceSpec& spec) const {
  const auto choices = candidates(spec);
  if (choices.empty()) return Status(tl::unexpect, place(spec).error());
  Status first;
  for (auto* choice : choices) {
    const auto valid = choice->validate(spec);
    if (valid) return valid;
    if (first) first = valid;
  }
  return first;
}

std::vector<RuntimeInfo> RuntimeSet::describe() const {
  std::vector<RuntimeInfo> infos;
  infos.reserve(runtimes_.size());
  for (const auto& runtime : runtimes_) {
    const auto now = runtime->availability();
    infos.push_back({runtime->kind(), now.available, now.mode, now.message, runtime->capabilities()});
  }
  return infos;
}

}  // namespace holdfast::reconciler
