// HTTP to the engine: calls that block and streams that are told, all over one libcurl in one thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/docker/engine/endpoint.h"

namespace holdfast::docker {

struct Request {
  std::string method = "GET";
  std::string target{};                // "/v1.41/containers/json?all=1", percent-encoded
  std::string what{};                  // for errors: "inspecting container 'web'"
  std::string content_type{}, body{};  // the body is never part of an error: it may hold secrets
  std::vector<std::string> headers{};  // "Name: value"
  Duration timeout{};                  // until all of the answer is there; zero: none
  Duration stall{};                    // without a byte of the answer; zero: none
  size_t max_bytes = 16u << 20;        // of an answer; zero: as many as come
};
struct Response {
  long status = 0;
  std::string body{};
};

// Called one at a time on the transport's thread; must not block, nor end the stream that they belong to.
struct StreamHandlers {
  std::function<void()> on_sent{};                        // connected; the request is on its way
  std::function<void()> on_head{};                        // the answer begins, and is no error
  std::function<bool(std::string_view bytes)> on_data{};  // false: enough. Empty: the body is collected
  std::function<void(Result<Response> result)> on_end{};  // once, unless the stream was ended before
};

// One request under way. Thread-safe.
class Stream {
 public:
  virtual ~Stream() = default;  // ends it; no handler runs afterwards
};

// Thread-safe. Its thread, and libcurl, begin with the first request.
//
// Errors: kUnavailable (nobody answers, or the connection was cut), kPermission (the socket is not ours to
// use; 401, 403), kTimeout, kInvalid (400, 422), kNotFound (404), kConflict (409), kInternal (any other
// status from 400 on, an answer that is too large or not HTTP), each with the engine's own words.
class Transport {
 public:
  explicit Transport(Endpoint endpoint, Duration connect_timeout = std::chrono::seconds{5});
  ~Transport();  // streams that are still open end with kUnavailable; nobody may be waiting in call()
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Blocks until the answer is there. `sink` gets the body instead, on the transport's thread. `stop` ends it
  // with kUnavailable. Not from within a handler.
  Result<Response> call(Request request, std::function<bool(std::string_view)> sink = {},
                        const std::stop_token& stop = {});
  // Never blocks, and calls no handler itself; but if no thread can be had, on_end, and there is no stream.
  std::unique_ptr<Stream> open(Request request, StreamHandlers handlers);

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

 private:
  class Core;
  class OpenStream;
  std::shared_ptr<Core> core();

  const Endpoint endpoint_;
  const Duration connect_timeout_;
  std::mutex mutex_;
  std::shared_ptr<Core> core_;  // streams hold it too
};

}  // namespace holdfast::docker
