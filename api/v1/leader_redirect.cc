#include "api/v1/leader_redirect.h"

#include <utility>

#include "controller/base/text.h"

namespace holdfast::api {

namespace {

std::string target_of(const http::Request& request) {
  std::string target = percent_encode(request.path, "/");
  char separator = '?';
  for (const auto& [key, value] : request.query) {
    target += separator + percent_encode(key) + "=" + percent_encode(value);
    separator = '&';
  }
  return target;
}

http::Response nobody_leads(const http::Request& request) {
  auto response = http::problem({ErrorCode::kUnavailable,
                                 "no controller leads at this moment",
                                 "repeat the request in some seconds",
                                 false,
                                 {}},
                                request.id);
  response.headers.emplace_back("Retry-After", "2");
  return response;
}

http::Response send_to(const Leader& leader, const http::Request& request) {
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

void answer_elsewhere(const Elsewhere& elsewhere, const Leader& leader, const http::Request& request,
                      const std::shared_ptr<http::Responder>& responder) {
  const bool nobody = leader.identity.empty() || leader.address.empty();
  if (nobody || request.header(kForwardedHeader))
    responder->respond(nobody_leads(request));
  else if (elsewhere.forward && leader.address.starts_with("http://"))
    elsewhere.forward(leader, request, target_of(request), responder);
  else
    responder->respond(send_to(leader, request));
}

http::DeferredHandler deferred(const http::Handler& handler) {
  return [handler](const http::Request& request, const std::shared_ptr<http::Responder>& responder) {
    responder->respond(handler(request));
  };
}

http::DeferredHandler guarded(http::DeferredHandler handler, const Elsewhere& elsewhere) {
  return [handler = std::move(handler), elsewhere](const http::Request& request,
                                                   const std::shared_ptr<http::Responder>& responder) {
    if (const auto leader = elsewhere.leader())
      answer_elsewhere(elsewhere, *leader, request, responder);
    else
      handler(request, responder);
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
    if (const auto* handler = std::get_if<http::Handler>(&route.handler))
      route.handler = guarded(deferred(*handler), elsewhere);
    else if (auto* later = std::get_if<http::DeferredHandler>(&route.handler))
      route.handler = guarded(std::move(*later), elsewhere);
  }
  return routes;
}

}  // namespace holdfast::api
