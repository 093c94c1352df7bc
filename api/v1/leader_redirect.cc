#include "api/v1/leader_redirect.h"

#include <utility>

#include "api/http/target.h"

namespace holdfast::api {

namespace {

using Elsewhere = std::function<std::optional<Leader>()>;

std::string target_of(const http::Request& request) {
  std::string target = http::percent_encode(request.path, "/");
  char separator = '?';
  for (const auto& [key, value] : request.query) {
    target += separator + http::percent_encode(key) + "=" + http::percent_encode(value);
    separator = '&';
  }
  return target;
}

http::Response send_to(const Leader& leader, const http::Request& request) {
  if (leader.identity.empty() || leader.address.empty()) {
    auto response = http::problem({ErrorCode::kUnavailable,
                                   "no controller leads at this moment",
                                   "repeat the request in some seconds",
                                   false,
                                   {}},
                                  request.id);
    response.headers.emplace_back("Retry-After", "2");
    return response;
  }
  auto response =
      http::problem({ErrorCode::kConflict,
                     "this controller follows; " + leader.identity + " leads",
                     "follow the redirection: curl -L does, with --location-trusted for the token",
                     false,
                     {}},
                    request.id, 307);
  response.headers.emplace_back("Location", leader.address + target_of(request));
  return response;
}

http::Handler guarded(http::Handler handler, const Elsewhere& elsewhere) {
  return [handler = std::move(handler), elsewhere](const http::Request& request) {
    const auto leader = elsewhere();
    return leader ? send_to(*leader, request) : handler(request);
  };
}

http::DeferredHandler guarded(http::DeferredHandler handler, const Elsewhere& elsewhere) {
  return [handler = std::move(handler), elsewhere](const http::Request& request,
                                                   std::shared_ptr<http::Responder> responder) {
    if (const auto leader = elsewhere())
      responder->respond(send_to(*leader, request));
    else
      handler(request, std::move(responder));
  };
}

bool changes_something(const http::Route& route) {
  return route.method != http::Method::kGet && route.method != http::Method::kHead &&
         route.role >= http::Role::kOperator;
}

}  // namespace

std::vector<http::Route> redirect_changes(std::vector<http::Route> routes, const Elsewhere& elsewhere) {
  for (auto& route : routes) {
    if (!changes_something(route)) continue;
    if (auto* handler = std::get_if<http::Handler>(&route.handler))
      route.handler = guarded(std::move(*handler), elsewhere);
    else if (auto* deferred = std::get_if<http::DeferredHandler>(&route.handler))
      route.handler = guarded(std::move(*deferred), elsewhere);
  }
  return routes;
}

}  // namespace holdfast::api
