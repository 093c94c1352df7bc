// Where a value of the configuration came from, and what it would be without that layer.
#include <map>
#include <string>
#include <utility>

#include "api/v1/config_path.h"
#include "api/v1/context.h"
#include "api/v1/request.h"
#include "api/v1/serialize.h"

namespace holdfast::api {
namespace {

using http::Request;
using http::Response;
using http::Role;

using Origins = std::map<std::string, Origin>;

Json leaf(const Json& document, const std::string& pointer, const Origin& origin) {
  const Keys keys = from_pointer(pointer);
  const Json* value = value_at(document, keys);
  return Json::object({{"path", to_dotted(keys)},
                       {"pointer", pointer},
                       {"value", value == nullptr ? Json() : *value},
                       {"origin", to_json(origin)}});
}

// The leaves at and below the place; for a place inside a leaf (an item of a list, say) that leaf.
Json::Array leaves(const Json& document, const Origins& origins, Keys keys) {
  Json::Array result;
  const std::string pointer = to_pointer(keys);
  for (auto found = origins.lower_bound(pointer); found != origins.end(); ++found) {
    if (!found->first.starts_with(pointer)) break;
    const bool below = found->first.size() == pointer.size() || found->first[pointer.size()] == '/';
    if (below) result.push_back(leaf(document, found->first, found->second));
  }
  for (; result.empty() && !keys.empty(); keys.pop_back())
    if (const auto around = origins.find(to_pointer(keys)); around != origins.end())
      result.push_back(leaf(document, around->first, around->second));
  return result;
}

// What each layer itself says about the place, low to high: the last one is in force.
Json::Array sayings(const std::vector<ConfigLayer>& layers, const Keys& keys, bool hide_env) {
  Json::Array result;
  for (const auto& layer : layers) {
    Json document = layer.document;
    if (hide_env) hide_env_values(document);
    if (const Json* value = value_at(document, keys))
      result.push_back(Json::object({{"layer", layer.name},
                                     {"file", layer.file.empty() ? Json() : Json(layer.file)},
                                     {"value", *value}}));
  }
  return result;
}

Response explain(const ContextPtr& context, const Request& request) {
  constexpr size_t kMaxPath = 1000;
  const std::string path = request.query_value("path").value_or("");
  if (path.size() > kMaxPath)
    return refuse(request, {ErrorCode::kInvalid, "query path: longer than 1000 bytes", "", false, {}});
  const auto config = context->plane.config();
  const bool hide_env = request.identity.role < Role::kOperator;
  Json merged = config->merged;
  if (hide_env) hide_env_values(merged);
  const auto keys = find_path(merged, path);
  if (!keys)
    return refuse(request, {ErrorCode::kNotFound,
                            "the configuration has nothing at '" + path.substr(0, 200) + "'",
                            "write the path like services.web.restart.policy, or as a JSON pointer",
                            false,
                            {}});
  return http::json_response(Json::object({{"path", to_dotted(*keys)},
                                           {"pointer", to_pointer(*keys)},
                                           {"value", *value_at(merged, *keys)},
                                           {"leaves", leaves(merged, config->origins, *keys)},
                                           {"layers", sayings(config->layers, *keys, hide_env)}}));
}

}  // namespace

void add_explain_route(Routes& routes, const ContextPtr& context) {
  routes.push_back({http::Method::kGet, "/api/v1/config/explain", Role::kViewer,
                    http::Handler([context](const Request& request) { return explain(context, request); })});
}

}  // namespace holdfast::api
