#include "runtimes/docker/engine/session.h"

#include <utility>

#include "runtimes/docker/engine/failure.h"
#include "runtimes/docker/engine/version.h"

namespace holdfast::docker {

namespace {

constexpr size_t kMaxJson = 32u << 20;  // a list of very many containers

Result<Json> json_of(const std::string& what, const Response& response) {
  auto json = parse_json(response.body, {.max_bytes = kMaxJson});
  if (!json)
    return fail(ErrorCode::kInternal,
                what + ": the engine's answer can't be understood (" + json.error().message + ")");
  return json;
}

Result<Response> judged(const std::string& what, Result<Response> response) {
  if (response && http_client::is_failure(response->status))
    return fail(http_error(what, response->status, response->body));
  return response;
}

http_client::Endpoint address_of(const Endpoint& endpoint) {
  return {.socket_path = endpoint.socket_path,
          .base_url = endpoint.base_url,
          .ca_file = endpoint.ca_file,
          .cert_file = endpoint.cert_file,
          .key_file = endpoint.key_file,
          .verify_peer = endpoint.verify_peer};
}

}  // namespace

Session::Session(Endpoint endpoint, Duration connect_timeout, Duration version_timeout)
    : endpoint_(std::move(endpoint)),
      version_timeout_(version_timeout),
      transport_(
          address_of(endpoint_),
          [endpoint = endpoint_](const http_client::Fault& fault) { return error_of(endpoint, fault); },
          connect_timeout) {}

Result<Response> Session::ask(Request request, Sink sink, const std::stop_token& stop) {
  const auto what = request.what;
  return judged(what, transport_.call(std::move(request), std::move(sink), stop));
}

void Session::note(const Error& error) {
  if (error.code != ErrorCode::kUnavailable) return;
  const std::lock_guard lock(mutex_);
  info_.reset();
}

Result<EngineInfo> Session::info(Duration timeout) {
  {
    const std::lock_guard lock(mutex_);
    if (info_) return *info_;
  }
  const std::string what = "asking Docker for its version";
  const auto response = ask({.target = "/version", .what = what, .timeout = timeout});
  if (!response) return fail(response.error());
  const auto json = json_of(what, *response);
  if (!json) return fail(json.error());
  auto found = engine_info(*json, endpoint_.api_version, endpoint_.where);
  if (!found) return found;
  const std::lock_guard lock(mutex_);
  info_ = *found;
  return found;
}

Result<EngineInfo> Session::ping(Duration timeout) {
  const auto response = ask({.target = "/_ping",
                             .what = "asking Docker for a sign of life",
                             .timeout = timeout,
                             .max_bytes = 4096});
  if (!response) {
    note(response.error());
    return fail(response.error());
  }
  return info(timeout);
}

Result<Response> Session::call(Request request, Sink sink, const std::stop_token& stop) {
  const auto engine = info(version_timeout_);
  if (!engine) return fail(engine.error());
  request.target.insert(0, "/v" + engine->api_version);
  auto response = ask(std::move(request), std::move(sink), stop);
  if (!response && !stop.stop_requested()) note(response.error());
  return response;
}

Result<Json> Session::call_json(Request request) {
  const auto what = request.what;
  request.max_bytes = kMaxJson;
  const auto response = call(std::move(request));
  if (!response) return fail(response.error());
  return json_of(what, *response);
}

std::unique_ptr<Stream> Session::open(Request request, StreamHandlers handlers) {
  // Without a version the engine takes its newest; if it can't be reached, the stream itself will tell.
  if (const auto engine = info(version_timeout_)) request.target.insert(0, "/v" + engine->api_version);
  handlers.on_end = [this, what = request.what,
                     on_end = std::move(handlers.on_end)](Result<Response> result) {
    result = judged(what, std::move(result));
    if (!result) note(result.error());
    if (on_end) on_end(std::move(result));
  };
  return transport_.open(std::move(request), std::move(handlers));
}

}  // namespace holdfast::docker
