// The HTTP server: routes, one or more listeners (TCP v4, v6, unix; plain or TLS), event streams. Behind it
// Pistache's reactor, request parser and router; nothing of Pistache shows here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/http/message.h"
#include "controller/base/result.h"

namespace holdfast::http {

using Handler = std::function<Response(const Request&)>;

// Answers a request later, from any thread, once; a later call or one after the client left does nothing.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void respond(Response response) = 0;
};
using DeferredHandler = std::function<void(const Request&, std::shared_ptr<Responder>)>;

// One open event stream. Any thread; never blocks: a client that doesn't read is disconnected when its buffer
// is full.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // False when the stream is closed. `event` is a complete frame: "id: 7\nevent: service\ndata: {...}\n\n".
  virtual bool send(std::string event) = 0;
  virtual void close() = 0;
};
// Called once the client's stream is open; must return soon. `on_close` (settable by the handler through the
// reference) runs once when the stream ends, whoever ended it. A returned Response with a status refuses the
// stream instead.
using StreamHandler = std::function<std::optional<Response>(const Request&, std::shared_ptr<EventStream>,
                                                            std::function<void()>& on_close)>;

struct Route {
  Method method;
  std::string path;  // "/api/v1/services/:name/start"
  Role role;         // least role that may call it
  std::variant<Handler, DeferredHandler, StreamHandler> handler;
  size_t max_body = 1u << 20;  // bytes; larger: 413 before the handler runs
};

struct Limits {
  size_t max_connections = 5000;
  size_t max_head = 16u << 10;
  size_t max_stream_backlog = 256u << 10;  // bytes unread by a slow stream client
  std::chrono::milliseconds handshake{5000}, head{5000}, body{30000}, idle{60000}, write_stall{30000},
      deferred{120000};
  std::chrono::milliseconds stream_heartbeat{15000};
  std::chrono::milliseconds linger{2000};  // for a client to read a last answer before its socket is closed
  size_t max_body_memory = 64u << 20;      // bytes of all bodies being received at once; above it: 503
};

struct TlsFiles {
  std::string cert_file, key_file;  // PEM; re-read when they change on disk
};

struct Options {
  std::string listen = "127.0.0.1:8010";  // host:port, [v6]:port, unix:/path
  std::optional<TlsFiles> tls;
  unsigned threads = 2;
  Limits limits;
  // Names beside loopback ones that a Host header may carry (DNS rebinding); "*" allows all.
  std::vector<std::string> allowed_hosts;
  // Who is calling? An error (kPermission) answers 401, kConflict (too many failed attempts) 429, an outage
  // 5xx. Not called for routes of Role::kNone. Unset: everyone is admin.
  std::function<Result<Identity>(const Request&)> authenticate;
  // Told of every answered request that could change something (not GET/HEAD), after the answer was made.
  std::function<void(const Request&, const Response&)> audit;
};

// Thread-safe after start(). Destruction stops.
class Server {
 public:
  // kConflict (address in use, with a hint), kInvalid (address, certificate), kPermission.
  static Result<std::unique_ptr<Server>> start(Options options, std::vector<Route> routes);
  virtual ~Server() = default;
  [[nodiscard]] virtual std::string address() const = 0;  // as bound: port 0 resolved
  // Stops accepting, finishes requests in flight and keep-alive connections, closes streams; cuts what is
  // left at grace.
  virtual void stop(std::chrono::milliseconds grace) = 0;
  struct Stats {
    std::uint64_t requests = 0, connections_open = 0, connections_accepted = 0, connections_refused = 0,
                  streams_open = 0;
  };
  [[nodiscard]] virtual Stats stats() const = 0;
};

}  // namespace holdfast::http
