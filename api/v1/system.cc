// The controller itself: runtimes, version, and whether it lives and is ready.
#include <string>
#include <utility>

#include "api/v1/context.h"
#include "api/v1/serialize.h"

namespace holdfast::api {

using http::Method;
using http::Request;
using http::Role;

void add_system_routes(Routes& routes, const ContextPtr& context) {
  const auto add = [&routes](const std::string& path, Role role, http::Handler handler) {
    routes.push_back({Method::kGet, path, role, std::move(handler)});
  };
  add("/api/v1/runtimes", Role::kViewer,
      [context](const Request&) { return http::json_response(list_of(context->plane.runtimes())); });
  add("/api/v1/version", Role::kViewer, [context](const Request&) {
    const std::string& commit = context->options.commit;
    return http::json_response(Json::object({{"version", context->options.version},
                                             {"commit", commit.empty() ? Json() : Json(commit)},
                                             {"apiVersion", "holdfast/v1"}}));
  });
  add("/livez", Role::kNone,
      [](const Request&) { return http::json_response(Json::object({{"live", true}})); });
  add("/readyz", Role::kNone, [context](const Request&) {
    const ReadyReport report = context->plane.ready();
    return http::json_response(to_json(report), report.ready ? 200 : 503);
  });
}

}  // namespace holdfast::api
