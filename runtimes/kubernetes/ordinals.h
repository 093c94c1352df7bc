// Pods have names of the cluster's choice; the API has ordinals. This keeps which is which.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "runtimes/kubernetes/informer/informer.h"

namespace holdfast::kubernetes {

// Thread-safe.
class Ordinals {
 public:
  // The pods by ordinal. One keeps its ordinal while it lives, but for what came in addition to `replicas`
  // (in a rollout) and moves up once there is room. New ones get the lowest that is free, older pods first.
  std::map<int, ObjectPtr> assign(const std::string& service, const std::vector<ObjectPtr>& pods,
                                  int replicas);

 private:
  std::mutex mutex_;
  std::map<std::string, std::map<std::string, int>> by_service_;  // uid -> ordinal
};

}  // namespace holdfast::kubernetes
