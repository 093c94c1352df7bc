#include "api/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

Route route(Method method, const std::string& path) {
  return {method, path, Role::kNone, Handler([](const Request&) { return Response{}; })};
}

TEST(Router, FindsRoutesAndTheirParameters) {
  const std::vector<Route> routes{
      route(Method::kGet, "/"),
      route(Method::kGet, "/s"),
      route(Method::kGet, "/s/:name"),
      route(Method::kPut, "/s/:name"),
      route(Method::kGet, "/s/special"),
      route(Method::kPost, "/s/:name/start"),
      route(Method::kGet, "/s/special/x"),
      route(Method::kGet, "/s/:name/y/:other"),
  };
  Router router(routes);
  const auto path = [&](Method method, const std::string& target) {
    const auto match = router.match(method, target);
    return match.route ? match.route->path : "none";
  };
  EXPECT_EQ(path(Method::kGet, "/"), "/");
  EXPECT_EQ(path(Method::kGet, "/s"), "/s");
  EXPECT_EQ(path(Method::kGet, "/s/web"), "/s/:name");
  EXPECT_EQ(path(Method::kGet, "/s/special"), "/s/special");
  EXPECT_EQ(path(Method::kPost, "/s/special/start"), "/s/:name/start");
  EXPECT_EQ(path(Method::kGet, "/s/special/x"), "/s/special/x");
  EXPECT_EQ(path(Method::kHead, "/s/web"), "/s/:name");
  EXPECT_EQ(path(Method::kPost, "/s/web"), "none");
  EXPECT_EQ(path(Method::kGet, "/s/web/start"), "none");
  EXPECT_EQ(path(Method::kGet, "/s/web/start/more"), "none");
  EXPECT_EQ(path(Method::kGet, "/" + std::string(8000, 'a')), "none");
  std::string deep;
  for (int i = 0; i < 4000; ++i) deep += "/a";
  EXPECT_EQ(path(Method::kGet, deep), "none");
  const auto match = router.match(Method::kGet, "/s/a%2Fb/y/%3Aname");
  EXPECT_EQ(match.params, (std::map<std::string, std::string>{{"name", "a/b"}, {"other", ":name"}}));
}

TEST(Router, NamesWhatIsAllowed) {
  std::vector<Route> routes{route(Method::kGet, "/a"), route(Method::kPost, "/a"),
                            route(Method::kDelete, "/b")};
  routes.push_back({Method::kGet, "/stream", Role::kNone,
                    StreamHandler([](const Request&, const std::shared_ptr<EventStream>&,
                                     std::function<void()>&) { return std::nullopt; })});
  Router router(routes);
  EXPECT_EQ(router.allowed("/a"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(router.allowed("/b"), "DELETE, OPTIONS");
  EXPECT_EQ(router.allowed("/stream"), "GET, OPTIONS");
  EXPECT_EQ(router.allowed("/c"), "");
}

TEST(Router, RoutesAreChecked) {
  EXPECT_TRUE(check_routes({route(Method::kGet, "/a/:b/c.d-e_f"), route(Method::kPut, "/a/:b/c.d-e_f")}));
  for (const std::string path : {"", "a", "/a//b", "/a/", "/a b", "/a?b", "/*", "/a/:b?", "/../a", "/a%20"}) {
    const auto status = check_routes({route(Method::kGet, path)});
    ASSERT_FALSE(status) << path;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
  }
  EXPECT_FALSE(check_routes({route(Method::kGet, "/a/:b"), route(Method::kGet, "/a/:c")}));
}

}  // namespace
}  // namespace holdfast::http
