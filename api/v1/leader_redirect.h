// Sends changes to the controller that leads, where several share their services: any of them answers
// questions, only one acts.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "api/http/server.h"
#include "controller/model/leadership.h"

namespace holdfast::api {

// Routes that change something (not GET and HEAD, and for operators or admins) answer 307 with the same
// target at the leader while `elsewhere` names one, and 503 while it names one without an identity. nullopt:
// this controller leads. `elsewhere` must not block.
std::vector<http::Route> redirect_changes(std::vector<http::Route> routes,
                                          const std::function<std::optional<Leader>()>& elsewhere);

}  // namespace holdfast::api
