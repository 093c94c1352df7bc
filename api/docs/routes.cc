#include "api/docs/routes.h"

#include <optional>
#include <string>
#include <string_view>

#include "api/docs/embedded.h"

namespace holdfast::docs {
namespace {

using http::Request;
using http::Response;

http::Route fixed(const std::string& path, std::string_view body, const std::string& content_type,
                  const http::Headers& headers) {
  const std::string tag = http::make_etag(body);
  return {http::Method::kGet, path, http::Role::kNone, http::Handler([=](const Request& request) {
            if (auto same = http::not_modified(request, tag)) return *std::move(same);
            Response response{.body = std::string(body), .content_type = content_type, .headers = headers};
            response.headers.emplace_back("ETag", tag);
            response.headers.emplace_back("Cache-Control", "no-cache");
            return response;
          })};
}

}  // namespace

std::vector<http::Route> routes() {
  const std::string policy = "default-src 'none'; connect-src 'self'; style-src " + std::string(kStyleHash) +
                             "; script-src " + std::string(kScriptHash) +
                             "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return {fixed("/openapi.json", kOpenapiJson, "application/json", {}),
          fixed("/docs", kPage, "text/html; charset=utf-8",
                {{"Content-Security-Policy", policy}, {"Referrer-Policy", "no-referrer"}})};
}

}  // namespace holdfast::docs
