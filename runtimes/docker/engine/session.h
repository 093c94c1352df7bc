// Calls to one engine in the API version that both sides know.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "controller/base/json.h"
#include "runtimes/docker/client/client.h"
#include "runtimes/docker/engine/endpoint.h"
#include "runtimes/http/transport.h"

namespace holdfast::docker {

using http_client::Request;
using http_client::Response;
using http_client::Stream;
using http_client::StreamHandlers;
using Sink = std::function<bool(std::string_view)>;

// Thread-safe. Targets are given without the version ("/containers/json"). The engine is asked for its
// version with the first call, and again once it was unreachable: another one may answer then.
class Session {
 public:
  Session(Endpoint endpoint, Duration connect_timeout, Duration version_timeout);

  // Errors: kUnavailable (nobody answers, or the connection was cut), kPermission (the socket is not ours to
  // use; 401, 403), kTimeout, kInvalid (400, 422), kNotFound (404), kConflict (409), kInternal (any other
  // status from 400 on, an answer that is too large or not HTTP), each with the engine's own words.
  Result<Response> call(Request request, Sink sink = {}, const std::stop_token& stop = {});
  Result<Json> call_json(Request request);
  std::unique_ptr<Stream> open(Request request, StreamHandlers handlers);  // may ask for the version first
  Result<EngineInfo> ping(Duration timeout);
  Result<EngineInfo> engine() { return info(version_timeout_); }

 private:
  Result<EngineInfo> info(Duration timeout);
  void note(const Error& error);

  // An answer whose status tells of a failure is an error.
  Result<Response> ask(Request request, Sink sink = {}, const std::stop_token& stop = {});

  const Endpoint endpoint_;
  const Duration version_timeout_;
  std::mutex mutex_;
  std::optional<EngineInfo> info_;
  http_client::Transport transport_;  // ends first: what its streams tell at their end is noted
};

}  // namespace holdfast::docker
