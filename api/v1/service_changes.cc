// Changing what a service is declared to be, in the API's configuration layer.
#include <string>
#include <utility>

#include "api/v1/context.h"
#include "api/v1/request.h"
#include "api/v1/serialize.h"

namespace holdfast::api {
namespace {

using http::Method;
using http::Request;
using http::Response;
using http::Role;

bool declared(const Context& context, const std::string& name) {
  return context.plane.config()->merged.at("services").find(name) != nullptr;
}

Result<Json> service_body(const Request& request) {
  auto body = json_body(request);
  if (body && !body->is_object())
    return fail(ErrorCode::kInvalid, "body: expected an object, got " + std::string(body->type_name()),
                "send the service, for example {\"command\": [\"sleep\", \"60\"]}");
  return body;
}

Response changed_service(const Request& request, const Result<ConfigChange>& change, int status) {
  if (!change) return edit_refused(request, change.error());
  return change_response(*change, {{"name", request.params.at("name")}}, status);
}

Response put_service(const ContextPtr& context, const Request& request) {
  const std::string& name = request.params.at("name");
  if (!media_type_accepted(request, {"application/json"}))
    return unsupported_media_type(request, "application/json");
  const auto body = service_body(request);
  if (!body) return refuse(request, body.error());
  const bool existed = declared(*context, name);
  if (existed && request.header("if-none-match") == "*")
    return refuse(request,
                  {ErrorCode::kConflict,
                   "a service named '" + name + "' exists",
                   "leave If-None-Match out to replace it",
                   false,
                   {}},
                  412);
  const auto etag = if_match(request, context->plane.config()->etag);
  return changed_service(request, context->plane.put_service(name, *body, etag, actor_of(request)),
                         existed ? 200 : 201);
}

Response patch_service(const ContextPtr& context, const Request& request) {
  const std::string& name = request.params.at("name");
  if (!media_type_accepted(request, {"application/merge-patch+json", "application/json"}))
    return unsupported_media_type(request, "application/merge-patch+json");
  const auto body = service_body(request);
  if (!body) return refuse(request, body.error());
  if (!declared(*context, name)) return no_such_service(request);
  const Json patch = Json::object({{"services", Json::object({{name, *body}})}});
  const auto etag = if_match(request, context->plane.config()->etag);
  return changed_service(request, context->plane.patch_config(patch, etag, actor_of(request)), 200);
}

Response delete_service(const ContextPtr& context, const Request& request) {
  const std::string& name = request.params.at("name");
  if (!declared(*context, name)) return no_such_service(request);
  const auto etag = if_match(request, context->plane.config()->etag);
  return changed_service(request, context->plane.put_service(name, Json(), etag, actor_of(request)), 200);
}

}  // namespace

Response change_response(const ConfigChange& change, Json::Object extra, int status) {
  Json body = Json(std::move(extra));
  body.set("changed", change.changed);
  body.set("revision", change.revision);
  body.set("etag", change.etag);
  Response response = http::json_response(body, status);
  response.headers.emplace_back("ETag", quoted(change.etag));
  return response;
}

void add_service_change_routes(Routes& routes, const ContextPtr& context) {
  using Function = Response (*)(const ContextPtr&, const Request&);
  const auto add = [&](Method method, Function function) {
    routes.push_back({method, "/api/v1/services/:name", Role::kAdmin,
                      http::Handler([context, function](const Request& r) { return function(context, r); })});
  };
  add(Method::kPut, put_service);
  add(Method::kPatch, patch_service);
  add(Method::kDelete, delete_service);
}

}  // namespace holdfast::api
