// The configuration: what is in force, its layers and revisions, edits, rollback and previews.
#include <algorithm>
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

constexpr size_t kMaxDocument = 4u << 20;  // bytes of a proposed document

Response get_config(const ContextPtr& context, const Request& request) {
  const auto config = context->plane.config();
  Json merged = config->merged;
  if (request.identity.role < Role::kOperator) hide_env_values(merged);
  Response response = http::json_response(Json::object({{"revision", config->revision},
                                                        {"etag", config->etag},
                                                        {"problems", list_of(config->problems).at("items")},
                                                        {"config", std::move(merged)}}));
  response.headers.emplace_back("ETag", quoted(config->etag));
  return response;
}

Response patch_config(const ContextPtr& context, const Request& request) {
  if (!media_type_accepted(request, {"application/merge-patch+json", "application/json"}))
    return unsupported_media_type(request, "application/merge-patch+json");
  const auto body = json_body(request);
  if (!body) return refuse(request, body.error());
  if (!body->is_object())
    return refuse(request, {ErrorCode::kInvalid,
                            "body: expected an object, got " + std::string(body->type_name()),
                            "send a merge patch, for example {\"services\": {\"web\": {\"replicas\": 2}}}",
                            false,
                            {}});
  const auto etag = if_match(request, context->plane.config()->etag);
  const auto change = context->plane.patch_config(*body, etag, actor_of(request));
  if (!change) return edit_refused(request, change.error());
  return change_response(*change, {}, 200);
}

Response get_layers(const ContextPtr& context, const Request& request) {
  const auto config = context->plane.config();
  Json::Array items;
  for (ConfigLayer layer : config->layers) {
    if (request.identity.role < Role::kOperator) hide_env_values(layer.document);
    items.push_back(to_json(layer));
  }
  return http::json_response(list(std::move(items)));
}

Response get_revisions(const ContextPtr& context, const Request&) {
  return http::json_response(list_of(context->plane.revisions()));
}

Response rollback(const ContextPtr& context, const Request& request) {
  if (!media_type_accepted(request, {"application/json"}))
    return unsupported_media_type(request, "application/json");
  const auto body = json_body(request);
  if (!body) return refuse(request, body.error());
  const Json* revision = body->find("revision");
  if (revision == nullptr || !revision->is_int() || revision->as_int() < 0)
    return refuse(request, {ErrorCode::kInvalid,
                            "body: expected {\"revision\": NUMBER}",
                            "GET /api/v1/config/revisions lists them",
                            false,
                            {}});
  const auto etag = if_match(request, context->plane.config()->etag);
  const auto change =
      context->plane.rollback(static_cast<std::uint64_t>(revision->as_int()), etag, actor_of(request));
  if (!change) return edit_refused(request, change.error());
  return change_response(*change, {}, 200);
}

Response plan(const ContextPtr& context, const Request& request) {
  if (!media_type_accepted(request, {"application/json", "application/merge-patch+json"}))
    return unsupported_media_type(request, "application/json");
  const auto merge = query_flag(request, "merge");
  if (!merge) return refuse(request, merge.error());
  const auto body = json_body(request);
  if (!body) return refuse(request, body.error());
  const auto changes = context->plane.plan(*body, *merge);
  if (!changes) return refuse(request, changes.error());
  Json answer = list_of(*changes);
  answer.set("changed", std::any_of(changes->begin(), changes->end(),
                                    [](const PlannedChange& change) { return change.change != "none"; }));
  return http::json_response(answer);
}

}  // namespace

void add_config_routes(Routes& routes, const ContextPtr& context) {
  using Function = Response (*)(const ContextPtr&, const Request&);
  const auto add = [&](Method method, const std::string& path, Role role, Function function) {
    routes.push_back({method, path, role,
                      http::Handler([context, function](const Request& r) { return function(context, r); }),
                      kMaxDocument});
  };
  add(Method::kGet, "/api/v1/config", Role::kViewer, get_config);
  add(Method::kPatch, "/api/v1/config", Role::kAdmin, patch_config);
  add(Method::kGet, "/api/v1/config/layers", Role::kViewer, get_layers);
  add(Method::kGet, "/api/v1/config/revisions", Role::kViewer, get_revisions);
  add(Method::kPost, "/api/v1/config/rollback", Role::kAdmin, rollback);
  add(Method::kPost, "/api/v1/plan", Role::kViewer, plan);
}

}  // namespace holdfast::api
