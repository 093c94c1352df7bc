// Reading services: list, one, its instances, logs and events.
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

constexpr std::uint64_t kMaxTail = 100'000;
constexpr std::uint64_t kDefaultTail = 200;

http::StreamHandler list_services(const ContextPtr& context) {
  return [context](const Request& request, const std::shared_ptr<http::EventStream>& stream,
                   std::function<void()>& on_close) -> std::optional<Response> {
    const auto watch = query_flag(request, "watch");
    if (!watch) return refuse(request, watch.error());
    if (!*watch && !wants_event_stream(request))
      return http::json_response(list_of_services(context->plane.services(), context->clock.now()));
    if (request.method == http::Method::kHead) return Response{.content_type = "text/event-stream"};
    on_close = context->streams.open(request, stream, {std::nullopt, false});
    return std::nullopt;
  };
}

http::Handler get_service(const ContextPtr& context) {
  return [context](const Request& request) {
    const std::string& name = request.params.at("name");
    const StatusPtr status = context->plane.service(name);
    if (!status) return no_such_service(request);
    const auto config = context->plane.config();
    Json body = to_json(*status, context->clock.now());
    Json declared =
        Json::object({{"services", Json::object({{name, config->merged.at("services").at(name)}})}});
    if (request.identity.role < Role::kOperator) hide_env_values(declared);
    body.set("config", declared.at("services").at(name));
    Response response = http::json_response(body);
    response.headers.emplace_back("ETag", quoted(config->etag));
    return response;
  };
}

http::Handler get_instances(const ContextPtr& context) {
  return [context](const Request& request) {
    const StatusPtr status = context->plane.service(request.params.at("name"));
    if (!status) return no_such_service(request);
    return http::json_response(list_of(status->instances, context->clock.now()));
  };
}

Result<std::optional<std::string>> wanted_stream(const Request& request) {
  auto stream = request.query_value("stream");
  if (!stream || *stream == "stdout" || *stream == "stderr") return stream;
  return fail(ErrorCode::kInvalid, "query stream=" + stream->substr(0, 100) + ": expected stdout or stderr");
}

Response read_logs(const ContextPtr& context, const Request& request) {
  constexpr std::uint64_t kMaxOrdinal = 1'000'000;
  const std::string& name = request.params.at("name");
  if (!context->plane.service(name)) return no_such_service(request);
  const auto follow = query_flag(request, "follow");
  if (!follow) return refuse(request, follow.error());
  if (*follow)
    return refuse(request, {ErrorCode::kInvalid,
                            "following logs is not offered",
                            "leave follow out, and ask again with since=<time of the newest line>",
                            false,
                            {}});
  const auto tail = query_number(request, "tail", kDefaultTail, kMaxTail);
  if (!tail) return refuse(request, tail.error());
  const auto ordinal = query_number(request, "instance", 0, kMaxOrdinal);
  if (!ordinal) return refuse(request, ordinal.error());
  const auto stream = wanted_stream(request);
  if (!stream) return refuse(request, stream.error());
  const auto since = query_since(request, context->clock.wall());
  if (!since) return refuse(request, since.error());
  const auto instance =
      request.query_value("instance") ? std::optional(static_cast<int>(*ordinal)) : std::nullopt;
  auto text = context->plane.logs_text(name, *tail, *stream, instance, *since);
  if (!text) return refuse(request, text.error());
  return http::text_response(*std::move(text));
}

http::Handler get_service_events(const ContextPtr& context) {
  return [context](const Request& request) {
    const std::string& name = request.params.at("name");
    auto query = event_query(request);
    if (!query) return refuse(request, query.error());
    query->service = name;
    const auto events = context->plane.events(*query);
    if (!events) return refuse(request, events.error());
    // What happened to a service can be read after it has gone.
    if (events->empty() && !context->plane.service(name)) return no_such_service(request);
    return http::json_response(list_of(*events));
  };
}

}  // namespace

Json list_of_services(const std::vector<StatusPtr>& services, MonoTime now) {
  Json::Array items;
  items.reserve(services.size());
  for (const auto& status : services) items.push_back(to_json(*status, now));
  return list(std::move(items));
}

void add_service_routes(Routes& routes, const ContextPtr& context) {
  const std::string base = "/api/v1/services";
  routes.push_back({Method::kGet, base, Role::kViewer, list_services(context)});
  routes.push_back({Method::kGet, base + "/:name", Role::kViewer, get_service(context)});
  routes.push_back({Method::kGet, base + "/:name/instances", Role::kViewer, get_instances(context)});
  routes.push_back(
      {Method::kGet, base + "/:name/logs", Role::kViewer,
       http::Handler([context](const Request& request) { return read_logs(context, request); })});
  routes.push_back({Method::kGet, base + "/:name/events", Role::kViewer, get_service_events(context)});
}

}  // namespace holdfast::api
