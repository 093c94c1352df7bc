#include "api/http/message.h"

#include <array>
#include <span>

#include <openssl/evp.h>

#include "api/http/text.h"
#include "controller/base/text.h"

namespace holdfast::http {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
  }
  return "GET";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kNone:
      return "none";
    case Role::kViewer:
      return "viewer";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
  }
  return "none";
}

std::optional<std::string> Request::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return std::nullopt;
}

std::optional<std::string> Request::query_value(const std::string& key) const {
  const auto it = query.lower_bound(key);
  if (it == query.end() || it->first != key) return std::nullopt;
  return it->second;
}

Response json_response(const Json& body, int status) {
  return {.status = status, .body = dump_json(body)};
}

Response text_response(std::string body, int status) {
  return {.status = status, .body = std::move(body), .content_type = "text/plain; charset=utf-8"};
}

std::string make_etag(std::string_view text) {
  constexpr size_t kTagBytes = 16;  // half of SHA-256: no two texts of a config's life collide
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return '"' + to_hex(std::span(digest).first(kTagBytes)) + '"';
}

bool etag_listed(std::string_view header_value, std::string_view tag) {
  const auto opaque = [](std::string_view text) { return text.starts_with("W/") ? text.substr(2) : text; };
  bool listed = false;
  for_each_item(header_value, [&](std::string_view item) {  // our tags hold no comma
    if (item == "*" || opaque(item) == opaque(tag)) listed = true;
  });
  return listed;
}

std::optional<Response> not_modified(const Request& request, const std::string& tag) {
  if (request.method != Method::kGet && request.method != Method::kHead) return std::nullopt;
  const auto asked = request.header("if-none-match");
  if (!asked || !etag_listed(*asked, tag)) return std::nullopt;
  return Response{.status = 304, .headers = {{"ETag", tag}}};
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kPermission:
      return 403;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kTimeout:
      return 504;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

Response problem(const Error& error, const std::string& request_id, std::optional<int> status) {
  const int code = status.value_or(status_of(error.code));
  auto body = Json::object(
      {{"type", "about:blank"}, {"title", status_text(code)}, {"status", code}, {"detail", error.message}});
  if (!error.hint.empty()) body.set("hint", error.hint);
  if (!error.details.empty()) {
    Json::Array errors;
    for (const auto& detail : error.details) {
      errors.push_back(
          Json::object({{"path", detail.path}, {"message", detail.message}, {"origin", detail.origin}}));
    }
    body.set("errors", std::move(errors));
  }
  if (!request_id.empty()) body.set("request_id", request_id);
  return {.status = code, .body = dump_json(body), .content_type = "application/problem+json"};
}

std::string_view status_text(int status) {
  static constexpr std::pair<int, std::string_view> kTexts[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {425, "Too Early"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (const auto& [code, text] : kTexts) {
    if (code == status) return text;
  }
  return "Unknown";
}

}  // namespace holdfast::http
