// `holdfast remove-services`: ends what a controller left running in a cluster when it was uninstalled.
#pragma once

#include <functional>
#include <string>

#include "cli/cli.h"
#include "controller/base/result.h"

namespace holdfast {

// Waits until no controller of that name leads, so that none puts anything back, then deletes its Deployments
// and Services. `tell` is called with each: "Deployment pipeline/web". How many there were.
// kTimeout: a controller still leads. Whatever the API server refuses.
Result<size_t> remove_services(const cli::RemoveServicesOptions& options,
                               const std::function<void(const std::string& object)>& tell);

}  // namespace holdfast
