// Decides from a request's head alone whether it may go on: target, Host, route, Origin, credentials, size.
// The body of a request that is refused is never read.
#pragma once

#include <set>
#include <string>
#include <variant>

#include "api/http/head.h"
#include "api/http/router.h"
#include "api/http/server.h"
#include "api/http/target.h"

namespace holdfast::http {

// What is known of the client and of the socket it came through.
struct Caller {
  std::string peer;        // as in Request
  std::string local_host;  // address this connection reached, as in Authority::host; empty on unix sockets
  bool tls = false;
};

struct Admitted {
  Request request;  // all but the body
  const Route* route = nullptr;
};

struct Refused {
  Response response;
  std::optional<Request> audited;  // set if it was an attempt to change something on a route that exists
};

// Not thread-safe (the router); one per worker.
class Admission {
 public:
  Admission(const Options& options, const std::vector<Route>& routes);
  std::variant<Admitted, Refused> admit(RequestHead& head, const Caller& caller, std::string request_id);

 private:
  std::optional<Refusal> check_host(const RequestHead& head, const Target& target, const Caller& caller);
  std::optional<Refusal> check_route(Admitted& admitted, const RequestHead& head, const Caller& caller) const;
  std::optional<Refusal> authorize(Admitted& admitted) const;
  Response unmatched(Method method, const Target& target, const std::string& request_id);

  const Options& options_;
  Router router_;
  std::set<std::string> allowed_hosts_;
  bool any_host_ = false;
  std::string last_good_host_;  // clients repeat themselves
  std::string last_local_host_;
};

// RFC 6454: whether `origin` is the page served under this Host. A TLS-terminating proxy may stand in front
// of a plain listener, so an https origin of the same host is ours there too.
bool is_own_origin(std::string_view origin, std::string_view host, bool tls);
bool is_safe(Method method);  // GET, HEAD, OPTIONS: changes nothing

}  // namespace holdfast::http
