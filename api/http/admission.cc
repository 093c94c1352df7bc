#include "api/http/admission.h"

#include "api/http/text.h"

namespace holdfast::http {

bool is_safe(Method method) {
  return method == Method::kGet || method == Method::kHead || method == Method::kOptions;
}

bool is_own_origin(std::string_view origin, std::string_view host, bool tls) {
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) return false;  // "null" too
  const auto scheme = to_lower(origin.substr(0, scheme_end));
  if (scheme != "https" && (tls || scheme != "http")) return false;
  const std::uint16_t default_port = scheme == "https" ? 443 : 80;
  const auto theirs = parse_authority(origin.substr(scheme_end + 3));
  const auto ours = parse_authority(host);
  return theirs && ours && theirs->host == ours->host &&
         theirs->port.value_or(default_port) == ours->port.value_or(default_port);
}

Admission::Admission(const Options& options, const std::vector<Route>& routes)
    : options_(options), router_(routes) {
  for (const auto& name : options.allowed_hosts) {
    if (name == "*") any_host_ = true;
    const auto authority = parse_authority(name);
    allowed_hosts_.insert(authority ? authority->host : to_lower(name));
  }
}

std::optional<Refusal> Admission::check_host(const RequestHead& head, const Target& target,
                                             const Caller& caller) {
  if (target.authority && *target.authority != head.host && !head.host.empty()) {
    return Refusal{400, "the request target and the Host header name different hosts"};
  }
  // No Host header (HTTP/1.0) is no browser; a unix socket is out of a browser's reach.
  if (head.host.empty() && !head.http11) return std::nullopt;
  if (head.host == last_good_host_ && caller.local_host == last_local_host_) return std::nullopt;
  const auto authority = parse_authority(head.host);
  if (!authority && !(head.host.empty() && caller.local_host.empty())) {
    return Refusal{400, "the Host header is not a host with an optional port"};
  }
  // DNS rebinding needs a name: who asks for an address has been sent there by nobody's DNS.
  if (!any_host_ && !caller.local_host.empty() && !is_loopback_name(authority->host) &&
      !is_ip_address(authority->host) && !allowed_hosts_.contains(authority->host)) {
    return Refusal{421, "this server does not answer for the host \"" + authority->host + '"',
                   "use the address it listens on, or add the name to the server's allowed hosts"};
  }
  last_good_host_ = head.host;
  last_local_host_ = caller.local_host;
  return std::nullopt;
}

std::optional<Refusal> Admission::authorize(Admitted& admitted) const {
  const auto role = admitted.route->role;
  if (role == Role::kNone) return std::nullopt;
  if (!options_.authenticate) {
    admitted.request.identity.role = Role::kAdmin;
    return std::nullopt;
  }
  auto identity = options_.authenticate(admitted.request);
  if (!identity) {
    const auto& error = identity.error();
    const bool outage = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
                        error.code == ErrorCode::kInternal;
    if (outage) return Refusal{status_of(error.code), error.message, error.hint};
    if (error.code == ErrorCode::kConflict) {
      return Refusal{429, error.message, error.hint, {{"Retry-After", "2"}}};
    }
    return Refusal{401, error.message, error.hint, {{"WWW-Authenticate", "Bearer"}}};
  }
  admitted.request.identity = std::move(*identity);
  if (admitted.request.identity.role >= role) return std::nullopt;
  return Refusal{403,
                 '"' + admitted.request.identity.name + "\" has the role " +
                     std::string(to_string(admitted.request.identity.role)) + "; this needs " +
                     std::string(to_string(role)),
                 "use a token of that role"};
}

std::optional<Refusal> Admission::check_route(Admitted& admitted, const RequestHead& head,
                                              const Caller& caller) const {
  if (!is_safe(head.method)) {
    for (const auto& [name, value] : admitted.request.headers) {
      if (name == "origin" && !is_own_origin(value, head.host, caller.tls)) {
        return Refusal{403, "a page of another origin may not change anything here",
                       "the Origin header must be that of this server's own pages, or absent"};
      }
    }
  }
  if (auto refusal = authorize(admitted)) return refusal;
  if (head.content_length > admitted.route->max_body) {
    return Refusal{413,
                   "the body is larger than the " + std::to_string(admitted.route->max_body) +
                       " bytes that this route takes",
                   kSendLess};
  }
  return std::nullopt;
}

Response Admission::unmatched(Method method, const Target& target, const std::string& request_id) {
  auto allow =
      target.asterisk ? "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" : router_.allowed(target.route_path);
  if (allow.empty() || (target.asterisk && method != Method::kOptions)) {
    return to_response({404, "there is nothing at " + target.path}, request_id);
  }
  if (method == Method::kOptions) {
    return {.status = 204, .content_type = "", .headers = {{"Allow", std::move(allow)}}};
  }
  return to_response(
      {405,
       std::string(to_string(method)) + " is not possible on " + target.path + "; " + allow + " are",
       {},
       {{"Allow", allow}}},
      request_id);
}

std::variant<Admitted, Refused> Admission::admit(RequestHead& head, const Caller& caller,
                                                 std::string request_id) {
  Target target;
  auto refusal = parse_target(head.target, target);
  if (!refusal) refusal = check_host(head, target, caller);
  if (refusal) return Refused{to_response(*refusal, request_id), {}};
  auto match = target.asterisk ? Match{} : router_.match(head.method, target.route_path);
  if (!match.route) return Refused{unmatched(head.method, target, request_id), {}};
  Admitted admitted{.request = {.method = head.method,
                                .path = std::move(target.path),
                                .params = std::move(match.params),
                                .query = std::move(target.query),
                                .headers = std::move(head.headers),
                                .body = {},
                                .peer = caller.peer,
                                .tls = caller.tls,
                                .id = std::move(request_id),
                                .identity = {}},
                    .route = match.route};
  refusal = check_route(admitted, head, caller);
  if (!refusal) return admitted;
  Refused refused{to_response(*refusal, admitted.request.id), {}};
  if (!is_safe(head.method)) refused.audited = std::move(admitted.request);
  return refused;
}

}  // namespace holdfast::http
