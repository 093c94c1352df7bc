// Version 1 of the API: every route below /api/v1, and /livez and /readyz. api/openapi.yaml describes them;
// handlers answer from snapshots and never wait for a runtime (reading logs apart).
#pragma once

#include <string>
#include <vector>

#include "api/http/server.h"
#include "controller/base/clock.h"
#include "controller/model/control_plane.h"

namespace holdfast::api {

struct RoutesOptions {
  std::string version = "unknown";  // of the build: "0.1.0"
  std::string commit;               // may be empty
};

// plane and clock have to outlive the server that serves the routes.
std::vector<http::Route> routes(ControlPlane& plane, const Clock& clock, RoutesOptions options = {});

// Who did what from where, with which result: for http::Options::audit. Holds no body and no query.
AuditRecord audit_record(const http::Request& request, const http::Response& response, WallTime at);

}  // namespace holdfast::api
