#include "api/v1/routes.h"

#include <utility>

#include "api/v1/context.h"
#include "controller/base/json.h"

namespace holdfast::api {

std::vector<http::Route> routes(ControlPlane& plane, const Clock& clock, RoutesOptions options) {
  const auto context =
      std::make_shared<Context>(Context{plane, clock, std::move(options), Streams(plane, clock)});
  Routes result;
  add_service_routes(result, context);
  add_service_change_routes(result, context);
  add_verb_routes(result, context);
  add_config_routes(result, context);
  add_explain_route(result, context);
  add_event_routes(result, context);
  add_system_routes(result, context);
  return result;
}

AuditRecord audit_record(const http::Request& request, const http::Response& response, WallTime at) {
  AuditRecord record;
  record.at = at;
  record.actor = request.identity.name;
  record.role = http::to_string(request.identity.role);
  record.from = request.peer;
  record.action = std::string(http::to_string(request.method)) + " " + request.path;
  const auto name = request.params.find("name");
  if (name != request.params.end()) record.target = name->second;
  record.status = response.status;
  record.result = "ok";
  if (response.status >= 400) {
    const auto body = parse_json(response.body);
    const Json* detail = body ? body->find("detail") : nullptr;
    record.result = detail != nullptr && detail->is_string()
                        ? detail->as_string()
                        : std::string(http::status_text(response.status));
  }
  return record;
}

}  // namespace holdfast::api
