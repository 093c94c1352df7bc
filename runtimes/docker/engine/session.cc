#include "runtimes/docker/engine/session.h"

#include <utility>

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

}  // namespace

Session::Session(Endpoint endpoint, Duration connect_timeout, Duration version_timeout)
    : version_timeout_(version_timeout), transport_(std::move(endpoint), connect_timeout) {}

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
  const auto response = transport_.call({.target = "/version", .what = what, .timeout = timeout});
  if (!response) return fail(response.error());
  const auto json = json_of(what, *response);
  if (!json) return fail(json.error());
  auto found = engine_info(*json, transport_.endpoint().api_version, transport_.endpoint().where);
  if (!found) return found;
  const std::lock_guard lock(mutex_);
  info_ = *found;
  return found;
}

Result<EngineInfo> Session::ping(Duration timeout) {
  const auto response = transport_.call({.target = "/_ping",
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
  auto response = transport_.call(std::move(request), std::move(sink), stop);
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
  handlers.on_end = [this, on_end = std::move(handlers.on_end)](Result<Response> result) {
    if (!result) note(result.error());
    if (on_end) on_end(std::move(result));
  };
  return transport_.open(std::move(request), std::move(handlers));
}

}  // namespace holdfast::docker
