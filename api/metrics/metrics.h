// GET /metrics in the Prometheus text format 0.0.4, made from the published snapshot at each scrape: a
// service that is gone leaves no series behind, and nothing is registered or counted twice.
//
// Names follow https://prometheus.io/docs/practices/naming/.
#pragma once

#include <string>
#include <vector>

#include "api/http/message.h"
#include "api/http/server.h"
#include "controller/model/control_plane.h"

namespace holdfast::metrics {

struct MetricsOptions {
  std::string version;                  // of holdfast, for holdfast_build_info
  std::string revision;                 // of the source, may be empty
  http::Role role = http::Role::kNone;  // /metrics has a listener of its own, by default on loopback
};

// The answer to one scrape. Thread-safe.
http::Response scrape(const ControlPlane& control, const MetricsOptions& options);

// GET /metrics. control outlives the server that has the routes.
std::vector<http::Route> routes(const ControlPlane& control, MetricsOptions options);

}  // namespace holdfast::metrics
