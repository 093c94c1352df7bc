// start, stop, restart and heartbeat.
#include <chrono>
#include <string>
#include <string_view>
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

// Below the time after which the server itself answers a deferred request.
constexpr std::chrono::seconds kMaxWait{110};

Result<std::optional<Duration>> wanted_wait(const Request& request) {
  const auto text = request.query_value("wait");
  if (!text) return std::optional<Duration>{};
  auto wait = parse_duration(*text);
  if (!wait || *wait > kMaxWait)
    return fail(ErrorCode::kInvalid,
                "query wait=" + text->substr(0, 100) + ": expected a duration of at most " +
                    std::to_string(kMaxWait.count()) + "s",
                "write it like wait=30s");
  return std::optional<Duration>(*wait);
}

Json operation(const std::string& name, Verb verb, const VerbResult& result) {
  return Json::object({{"verb", to_string(verb)},
                       {"service", name},
                       {"changed", result.changed},
                       {"status", "/api/v1/services/" + name}});
}

// Settled is not always what the caller hoped for: a service can settle in Failed.
bool succeeded(const ServiceStatus& status, Verb verb) {
  if (verb == Verb::kStop) return status.phase == "Stopped" || status.phase == "Completed";
  return status.ready || status.phase == "Running" || status.phase == "Completed";
}

std::string outcome_message(const ServiceStatus& status) {
  if (status.last_error) return status.last_error->message;
  for (const auto& condition : status.conditions)
    if (condition.type == "Failed" && condition.status == Condition::Status::kTrue) return condition.message;
  if (status.last_exit && !status.last_exit->reason.empty()) return status.last_exit->reason;
  return why_pending(status);
}

Response after_wait(const Context& context, Json operation, Verb verb, const StatusPtr& status) {
  if (!status) {
    operation.set("outcome", "removed");
    return http::json_response(Json::object({{"operation", std::move(operation)}}));
  }
  const bool good = succeeded(*status, verb);
  operation.set("outcome", !status->settled ? "pending" : good ? "done" : "failed");
  if (!status->settled)
    operation.set("pending", why_pending(*status));
  else if (!good)
    operation.set("message", outcome_message(*status));
  return http::json_response(
      Json::object({{"operation", std::move(operation)}, {"service", to_json(*status, context.clock.now())}}),
      status->settled ? 200 : 202);
}

http::DeferredHandler verb_handler(const ContextPtr& context, Verb verb) {
  return [context, verb](const Request& request, const std::shared_ptr<http::Responder>& responder) {
    const std::string& name = request.params.at("name");
    const auto wait = wanted_wait(request);
    if (!wait) return responder->respond(refuse(request, wait.error()));
    if (!context->plane.service(name)) return responder->respond(no_such_service(request));
    const auto result = context->plane.command(name, verb, actor_of(request));
    if (!result) return responder->respond(refuse(request, result.error()));
    Json body = operation(name, verb, *result);
    if (!*wait)
      return responder->respond(http::json_response(Json::object({{"operation", std::move(body)}}), 202));
    context->plane.when_settled(name, **wait, [context, verb, responder, body](const StatusPtr& status) {
      responder->respond(after_wait(*context, body, verb, status));
    });
  };
}

http::Handler heartbeat(const ContextPtr& context) {
  return [context](const Request& request) {
    const std::string& name = request.params.at("name");
    if (!context->plane.service(name)) return no_such_service(request);
    const Status done = context->plane.heartbeat(name, actor_of(request));
    if (!done) return refuse(request, done.error());
    return http::json_response(Json::object({{"name", name}, {"at", format_rfc3339(context->clock.wall())}}));
  };
}

}  // namespace

void add_verb_routes(Routes& routes, const ContextPtr& context) {
  constexpr size_t kMaxBody = 4096;  // bodies mean nothing here
  for (const Verb verb : {Verb::kStart, Verb::kStop, Verb::kRestart})
    routes.push_back({Method::kPost, "/api/v1/services/:name/" + std::string(to_string(verb)),
                      Role::kOperator, verb_handler(context, verb), kMaxBody});
  routes.push_back(
      {Method::kPost, "/api/v1/services/:name/heartbeat", Role::kOperator, heartbeat(context), kMaxBody});
}

}  // namespace holdfast::api
