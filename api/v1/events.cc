// What happened, as a list and as a stream.
#include <string>
#include <utility>

#include "api/v1/context.h"
#include "api/v1/request.h"
#include "api/v1/serialize.h"

namespace holdfast::api {
namespace {

using http::Request;
using http::Response;

constexpr std::uint64_t kDefaultEvents = 200;
constexpr std::uint64_t kMaxEvents = 10'000;

Response list_events(const ContextPtr& context, const Request& request) {
  auto query = event_query(request);
  if (!query) return refuse(request, query.error());
  query->service = request.query_value("service");
  const auto events = context->plane.events(*query);
  if (!events) return refuse(request, events.error());
  return http::json_response(list_of(*events));
}

http::StreamHandler events_handler(const ContextPtr& context) {
  return [context](const Request& request, const std::shared_ptr<http::EventStream>& stream,
                   std::function<void()>& on_close) -> std::optional<Response> {
    if (!wants_event_stream(request)) return list_events(context, request);
    if (request.method == http::Method::kHead) return Response{.content_type = "text/event-stream"};
    on_close = context->streams.open(request, stream, {request.query_value("service"), true});
    return std::nullopt;
  };
}

}  // namespace

Result<EventQuery> event_query(const Request& request) {
  constexpr std::uint64_t kMaxId = (1ull << 63) - 1;
  const auto after = query_number(request, "since", 0, kMaxId);
  if (!after) return fail(after.error());
  const auto limit = query_number(request, "limit", kDefaultEvents, kMaxEvents);
  if (!limit) return fail(limit.error());
  return EventQuery{std::nullopt, *after, *limit};
}

void add_event_routes(Routes& routes, const ContextPtr& context) {
  routes.push_back({http::Method::kGet, "/api/v1/events", http::Role::kViewer, events_handler(context)});
}

}  // namespace holdfast::api
