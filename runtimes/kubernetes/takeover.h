// Whose an object is, and how one of somebody else's becomes Holdfast's.
#pragma once

#include <string>

#include "controller/base/json.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"

namespace holdfast::kubernetes {

bool is_ours(const Json& object, const std::string& controller);
// kConflict, terminal: it is somebody else's, and how to take it over.
Error not_ours(const Resource& resource, const Json& object);

// managedFields as if Holdfast had applied all that others set: the next apply then removes what it doesn't
// declare. Status stays with those who write it.
// Source:
// https://kubernetes.io/docs/reference/using-api/server-side-apply/#upgrading-from-client-side-apply-to-server-side-apply
Json owned_by_holdfast(const Json& managed_fields, const std::string& api_version);
// Makes it so. `object` with all of its managedFields, as just read: kConflict if it has changed since.
Result<Json> take_over(Client& client, const Resource& resource, const Json& object);

}  // namespace holdfast::kubernetes
