#include "api/http/router.h"

#include <set>

#include "api/http/pistache_router.h"
#include "api/http/target.h"
#include "api/http/text.h"

namespace holdfast::http {

namespace {

using PistacheMethod = Pistache::Http::Method;

constexpr Method kMethods[] = {Method::kGet,   Method::kHead,   Method::kPost,   Method::kPut,
                               Method::kPatch, Method::kDelete, Method::kOptions};

PistacheMethod to_pistache(Method method) {
  switch (method) {
    case Method::kGet:
      return PistacheMethod::Get;
    case Method::kHead:
      return PistacheMethod::Head;
    case Method::kPost:
      return PistacheMethod::Post;
    case Method::kPut:
      return PistacheMethod::Put;
    case Method::kPatch:
      return PistacheMethod::Patch;
    case Method::kDelete:
      return PistacheMethod::Delete;
    case Method::kOptions:
      return PistacheMethod::Options;
  }
  return PistacheMethod::Get;
}

// Pistache refuses an empty path ("/"), so every route and every request gets a first segment.
constexpr std::string_view kPrefix = "/r";
constexpr size_t kParserBytes = 32u << 10;  // above the longest target, escaped

// The writer that Pistache hands to a route needs a handler; it is never called.
class InertHandler : public Pistache::Http::Handler {
 public:
  HTTP_PROTOTYPE(InertHandler)
  void onRequest(const Pistache::Http::Request&, Pistache::Http::ResponseWriter) override {}
};

std::vector<std::string> param_names(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    const auto slash = path.find('/', 1);
    const auto segment = path.substr(1, slash == std::string_view::npos ? slash : slash - 1);
    if (segment.starts_with(':')) names.emplace_back(segment);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash);
  }
  return names;
}

}  // namespace

class Router::Impl {
 public:
  explicit Impl(const std::vector<Route>& routes) : parser_(kParserBytes) {
    for (const auto& route : routes) add(route);
    // Runs before the router's own 404 and 405, which would write to a client.
    router_.addCustomHandler([](const Pistache::Rest::Request&, const Pistache::Http::ResponseWriter&) {
      return Pistache::Rest::Route::Result::Ok;
    });
  }

  Match match(Method method, const std::string& route_path) {
    found_ = {};
    parser_.reset();
    line_.assign(to_string(method))
        .append(" ")
        .append(kPrefix)
        .append(route_path)
        .append(" HTTP/1.1\r\n\r\n");
    if (!parser_.feed(line_.data(), line_.size())) return {};
    if (parser_.parse() != Pistache::Http::Private::State::Done) return {};
    router_.route(parser_.request,
                  Pistache::Http::ResponseWriter(Pistache::Http::Version::Http11, nullptr, &inert_, {}));
    return std::move(found_);
  }

 private:
  void add(const Route& route) {
    router_.addRoute(to_pistache(route.method), std::string(kPrefix) + route.path,
                     [this, &route, names = param_names(route.path)](const Pistache::Rest::Request& request,
                                                                     const Pistache::Http::ResponseWriter&) {
                       found_.route = &route;
                       for (const auto& name : names) {
                         auto value = percent_decode(request.param(name).as<std::string>());
                         found_.params[name.substr(1)] = value.value_or("");
                       }
                       return Pistache::Rest::Route::Result::Ok;
                     });
  }

  Pistache::Rest::Router router_;
  Pistache::Http::RequestParser parser_;
  InertHandler inert_;
  Match found_;
  std::string line_;
};

Router::Router(const std::vector<Route>& routes) : impl_(std::make_unique<Impl>(routes)) {}
Router::~Router() = default;

Match Router::match(Method method, const std::string& route_path) {
  auto match = impl_->match(method, route_path);
  if (match.route || method != Method::kHead) return match;
  match = impl_->match(Method::kGet, route_path);
  if (match.route && std::holds_alternative<StreamHandler>(match.route->handler)) return {};
  return match;
}

std::string Router::allowed(const std::string& route_path) {
  std::string allow;
  bool options = false;
  for (const auto method : kMethods) {
    if (!match(method, route_path).route) continue;
    options = options || method == Method::kOptions;
    allow += (allow.empty() ? "" : ", ") + std::string(to_string(method));
  }
  if (!allow.empty() && !options) allow += ", OPTIONS";  // answered by the server
  return allow;
}

Status check_routes(const std::vector<Route>& routes) {
  std::set<std::pair<Method, std::string>> seen;
  for (const auto& route : routes) {
    const auto name = std::string(to_string(route.method)) + ' ' + route.path;
    Target target;
    std::string shape;  // parameters of any name take the same place
    bool plain =
        route.path.starts_with('/') && !parse_target(route.path, target) && target.path == route.path;
    for (size_t i = 0; i < route.path.size(); ++i) {
      const char c = route.path[i];
      const bool parameter = c == ':' && i > 0 && route.path[i - 1] == '/';
      if (parameter) i = std::min(route.path.find('/', i), route.path.size()) - 1;
      shape += c;
      plain =
          plain && (parameter || is_alnum(c) || std::string_view("/-._~").find(c) != std::string_view::npos);
    }
    if (!plain)
      return fail(ErrorCode::kInvalid, "route " + name + " is not made of plain segments and :names");
    if (!seen.emplace(route.method, shape).second) {
      return fail(ErrorCode::kInvalid, "route " + name + " is declared twice");
    }
  }
  return {};
}

}  // namespace holdfast::http
