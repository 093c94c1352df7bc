// Carries out what is decided about a workload. Each action is one apply or deletion of each object, so that
// a controller that dies in between leaves nothing half done that it, or the next one, doesn't find.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/result.h"
#include "controller/model/service_spec.h"
#include "runtimes/kubernetes/book.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/namespace_view.h"
#include "runtimes/kubernetes/workload_sight.h"

namespace holdfast::kubernetes {

// A value type, for one action.
class WorkloadWriter {
 public:
  WorkloadWriter(Client& client, NamespaceView& view, std::string controller)
      : client_(client), view_(view), controller_(std::move(controller)) {}

  Status apply(const SpecPtr& spec, std::uint64_t restart_nonce);
  Status scale(const std::string& service, int replicas);
  // `because`: what is wrong with what is in force.
  Status revert(const std::string& service, std::uint64_t restart_nonce, const std::string& because);
  Status remove(const std::string& service);

 private:
  // The object as last seen, or as the server has it; one of somebody else's is an error.
  Result<ObjectPtr> current(const Resource& resource, const std::string& name, const ObjectPtr& seen,
                            bool adopt);
  Status write(const Manifest& manifest, const Book& book, const Seen& seen);
  // Takes out of the Deployment what is no longer declared (removal.h); false: there is nothing of it.
  Result<bool> clear(const Manifest& before, const Manifest& manifest);
  Status write_service(const Manifest& manifest, const ObjectPtr& service);
  Status remove_one(const Resource& resource, const std::string& name, const ObjectPtr& seen);

  Client& client_;
  NamespaceView& view_;
  const std::string controller_;
};

}  // namespace holdfast::kubernetes
