// Sends changes to the controller that leads, where several share their services: any of them answers
// questions, only one acts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http/server.h"
#include "controller/model/leadership.h"

namespace holdfast::api {

// With each request that is passed on: it is not passed on again.
inline constexpr const char* kForwardedHeader = "x-holdfast-forwarded";

struct Elsewhere {
  // Who leads; nullopt: this controller does. Must not block.
  std::function<std::optional<Leader>()> leader;
  // Passes a request on to a leader whose address is plain HTTP, and answers it; must not block. `target`:
  // the path with its query, percent-encoded. Empty: callers are sent there.
  std::function<void(const Leader& leader, const http::Request& request, const std::string& target,
                     const std::shared_ptr<http::Responder>& responder)>
      forward{};
};

// Routes that change something (not GET and HEAD, and for operators or admins) are passed on to the leader,
// or answer 307 with the same target there. While nobody leads they answer 503.
std::vector<http::Route> redirect_changes(std::vector<http::Route> routes, const Elsewhere& elsewhere);

}  // namespace holdfast::api
