// Finds the route of a request. Pistache's router does the matching; it is only seen in router.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/http/server.h"

namespace holdfast::http {

struct Match {
  const Route* route = nullptr;  // null: no route for this method and path
  std::map<std::string, std::string> params;
};

// One per worker: looking up changes Pistache's tables. Not thread-safe.
class Router {
 public:
  // `routes` must outlive it. Throws std::runtime_error for a path that can't be a route.
  explicit Router(const std::vector<Route>& routes);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // route_path: see Target. HEAD finds the GET route unless that is an event stream.
  Match match(Method method, const std::string& route_path);
  // For an Allow header: "GET, HEAD, OPTIONS"; empty: no such path.
  std::string allowed(const std::string& route_path);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// kInvalid: a path without a leading slash, with something but plain segments and ":name", or twice the same.
Status check_routes(const std::vector<Route>& routes);

}  // namespace holdfast::http
