// What the route files of version 1 share. Not for others: see routes.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/http/message.h"
#include "api/http/server.h"
#include "api/v1/routes.h"
#include "api/v1/stream.h"
#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/model/control_plane.h"

namespace holdfast::api {

struct Context {
  ControlPlane& plane;
  const Clock& clock;
  RoutesOptions options;
  Streams streams;
};
using ContextPtr = std::shared_ptr<Context>;
using Routes = std::vector<http::Route>;

void add_service_routes(Routes& routes, const ContextPtr& context);         // read
void add_service_change_routes(Routes& routes, const ContextPtr& context);  // PUT PATCH DELETE
void add_verb_routes(Routes& routes, const ContextPtr& context);            // start stop restart heartbeat
void add_config_routes(Routes& routes, const ContextPtr& context);
void add_explain_route(Routes& routes, const ContextPtr& context);
void add_event_routes(Routes& routes, const ContextPtr& context);
void add_system_routes(Routes& routes, const ContextPtr& context);

Json list_of_services(const std::vector<StatusPtr>& services, MonoTime now);
Result<EventQuery> event_query(const http::Request& request);  // ?since= (an event id) and ?limit=
// {"changed", "revision", "etag"} after `extra`, and the ETag.
http::Response change_response(const ConfigChange& change, Json::Object extra, int status);

inline http::Response refuse(const http::Request& request, const Error& error,
                             std::optional<int> status = std::nullopt) {
  return http::problem(error, request.id, status);
}

inline http::Response no_such_service(const http::Request& request) {
  return refuse(request, {ErrorCode::kNotFound,
                          "no service named '" + request.params.at("name") + "'",
                          "GET /api/v1/services lists those that exist",
                          false,
                          {}});
}

// The answer to a refused edit: 412 when the caller gave an If-Match and it no longer holds.
inline http::Response edit_refused(const http::Request& request, const Error& error) {
  const bool precondition = error.code == ErrorCode::kConflict && request.header("if-match").has_value();
  return refuse(request, error, precondition ? std::optional<int>(412) : std::nullopt);
}

inline http::Response unsupported_media_type(const http::Request& request, const std::string& expected) {
  return refuse(request,
                {ErrorCode::kInvalid,
                 "content type '" + request.header("content-type").value_or("") + "' is not taken",
                 "send Content-Type: " + expected,
                 false,
                 {}},
                415);
}

}  // namespace holdfast::api
