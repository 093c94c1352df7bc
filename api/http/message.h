// HTTP requests and answers as plain values: handlers are functions of them and are tested without a socket.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions };
std::string_view to_string(Method method);

enum class Role {
  kNone,
  kViewer,
  kOperator,
  kAdmin
};  // each includes the ones before; kNone: no credentials needed
std::string_view to_string(Role role);

struct Identity {
  std::string name = "anonymous";
  Role role = Role::kNone;
};

using Headers = std::vector<std::pair<std::string, std::string>>;  // names in lower case in requests

struct Request {
  Method method = Method::kGet;
  std::string path;                               // percent-decoded, without the query
  std::map<std::string, std::string> params;      // of the route: ":name" -> params["name"], decoded
  std::multimap<std::string, std::string> query;  // decoded
  Headers headers;
  std::string body;
  std::string peer;  // "127.0.0.1:51234", "[::1]:5", "unix"
  bool tls = false;
  std::string id;     // request id, for logs and problem documents
  Identity identity;  // set by the server's authenticator
  [[nodiscard]] std::optional<std::string> header(std::string_view lower_name) const;
  [[nodiscard]] std::optional<std::string> query_value(const std::string& key) const;  // the first
};

struct Response {
  int status = 200;
  std::string body{};
  std::string content_type = "application/json";
  Headers headers{};
};

Response json_response(const Json& body, int status = 200);
Response text_response(std::string body, int status = 200);  // text/plain, UTF-8

// Entity tags (RFC 9110, 8.8.3). make_etag: a strong tag, quotes included; equal texts give equal tags.
std::string make_etag(std::string_view text);
// Whether tag is in the list of an If-Match or If-None-Match header, or the list is "*"; weak tags count as
// strong ones.
bool etag_listed(std::string_view header_value, std::string_view tag);
// For GET and HEAD: the 304 to answer with if the client's If-None-Match has the tag; nullopt: answer in
// full.
std::optional<Response> not_modified(const Request& request, const std::string& tag);

// The one place where an ErrorCode becomes a status: invalid 400, not_found 404, conflict 409, permission
// 403, unavailable 503, timeout 504, internal 500.
int status_of(ErrorCode code);
// RFC 9457 application/problem+json with type, title, status, detail and, unless empty, hint, errors (a list
// of {path, message, origin}) and request_id. `status` overrides that of the code.
Response problem(const Error& error, const std::string& request_id, std::optional<int> status = std::nullopt);
std::string_view status_text(int status);  // "Not Found"; "Unknown" for a number it doesn't know

}  // namespace holdfast::http
