// The runtimes this controller has, and which of them serves a spec.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/model/control_plane.h"
#include "runtimes/runtime.h"

namespace holdfast::reconciler {

// Where a service is to run, and why it isn't where it rather would be.
struct Placement {
  Runtime* runtime = nullptr;
  std::string fallback{};  // for people; empty: it is the first choice
};

// Immutable after construction; thread-safe. Never blocks.
class RuntimeSet {
 public:
  // `in_cluster`: this controller itself runs in a Kubernetes cluster.
  explicit RuntimeSet(std::vector<std::shared_ptr<Runtime>> runtimes, bool in_cluster = false)
      : runtimes_(std::move(runtimes)), in_cluster_(in_cluster) {}

  // `auto` takes the first of Kubernetes (only within a cluster), Docker and process that the spec can run in
  // and that can be used now; what runs stays where it is (`home`, or null) for as long as it runs.
  // kUnavailable with a hint when there is none, or when nobody knows yet.
  [[nodiscard]] Result<Placement> place(const ServiceSpec& spec, Runtime* home = nullptr) const;
  // What the runtimes that may serve it say of a spec; of `auto`, one that accepts it is enough.
  [[nodiscard]] Status validate(const ServiceSpec& spec) const;

  // Can run as a process of this machine only, which keeps nobody waiting.
  [[nodiscard]] bool is_local(const ServiceSpec& spec) const;
  [[nodiscard]] bool is_known() const;                  // nobody still has to be looked for
  [[nodiscard]] Runtime* find(RuntimeKind kind) const;  // null: this controller has none
  [[nodiscard]] const std::vector<std::shared_ptr<Runtime>>& all() const { return runtimes_; }
  [[nodiscard]] std::vector<RuntimeInfo> describe() const;

 private:
  [[nodiscard]] std::vector<Runtime*> candidates(const ServiceSpec& spec) const;  // the first choice first

  std::vector<std::shared_ptr<Runtime>> runtimes_;
  bool in_cluster_ = false;
};

}  // namespace holdfast::reconciler
