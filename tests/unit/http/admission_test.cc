#include "api/http/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    const auto handler = Handler([](const Request&) { return Response{}; });
    routes_ = {{Method::kGet, "/open", Role::kNone, handler},
               {Method::kPost, "/open", Role::kNone, handler, 10},
               {Method::kGet, "/view", Role::kViewer, handler},
               {Method::kPost, "/operate", Role::kOperator, handler}};
    options_.authenticate = [this](const Request& request) -> Result<Identity> {
      ++authentications_;
      const auto token = request.header("authorization");
      if (token == "Bearer v") return Identity{"vera", Role::kViewer};
      if (token == "Bearer o") return Identity{"otto", Role::kOperator};
      if (token == "Bearer broken") return fail(ErrorCode::kUnavailable, "the token store can't be read");
      return fail(ErrorCode::kPermission, "this needs a token", "send one");
    };
  }

  std::variant<Admitted, Refused> admit(const std::string& line, const std::string& fields,
                                        const Caller& caller = {"127.0.0.1:5", "192.0.2.1", false}) {
    RequestHead head;
    EXPECT_FALSE(parse_head(line + " HTTP/1.1\r\n" + fields, head));
    if (!admission_) admission_ = std::make_unique<Admission>(options_, routes_);
    return admission_->admit(head, caller, "id");
  }
  int status(const std::string& line, const std::string& fields,
             const Caller& caller = {"p", "192.0.2.1", false}) {
    auto outcome = admit(line, fields, caller);
    const auto* refused = std::get_if<Refused>(&outcome);
    return refused ? refused->response.status : 0;
  }

  Options options_;
  std::vector<Route> routes_;
  std::unique_ptr<Admission> admission_;
  int authentications_ = 0;
};

TEST_F(AdmissionTest, HostsThatAreNotOursAreRefused) {
  options_.allowed_hosts = {"Proxy.example", "other.example:99"};
  for (const std::string host : {"localhost", "LOCALHOST:80", "127.0.0.1:8010", "[::1]:1", "192.0.2.1:7",
                                 "192.0.2.2", "[2001:db8::1]:80", "proxy.example:1234", "other.example"}) {
    EXPECT_EQ(status("GET /open", "Host: " + host + "\r\n"), 0) << host;
  }
  for (const std::string host :
       {"evil.example", "192.0.2.2.example", "localhost.evil.example", "127.0.0.1.evil.example"}) {
    EXPECT_EQ(status("GET /open", "Host: " + host + "\r\n"), 421) << host;
  }
  for (const std::string host : {"a:b:c", "a b", "", "http://localhost"}) {
    EXPECT_EQ(status("GET /open", "Host: " + host + "\r\n"), 400) << host;
  }
  EXPECT_EQ(status("GET /open", "Host: evil.example\r\n", {"unix", "", false}), 0);
  EXPECT_EQ(status("GET /open", "Host: 192.0.2.1\r\n", {"p", "192.0.2.2", false}), 0)
      << "an address needs no DNS, so nobody can have bent it";
  EXPECT_EQ(status("GET http://localhost/open", "Host: localhost\r\n"), 0);
  EXPECT_EQ(status("GET http://evil.example/open", "Host: localhost\r\n"), 400);
}

TEST_F(AdmissionTest, AnyHostMayBeAllowed) {
  options_.allowed_hosts = {"*"};
  EXPECT_EQ(status("GET /open", "Host: evil.example\r\n"), 0);
  EXPECT_EQ(status("GET /open", "Host: a:b:c\r\n"), 400);
}

TEST_F(AdmissionTest, PagesOfOtherOriginsMayNotChangeAnything) {
  const std::string host = "Host: localhost:8010\r\n";
  EXPECT_EQ(status("POST /open", host), 0);
  EXPECT_EQ(status("POST /open", host + "Origin: http://localhost:8010\r\n"), 0);
  EXPECT_EQ(status("POST /open", host + "Origin: HTTP://LocalHost:8010\r\n"), 0);
  EXPECT_EQ(status("POST /open", "Host: localhost\r\nOrigin: http://localhost\r\n"), 0);
  EXPECT_EQ(status("POST /open", "Host: localhost:80\r\nOrigin: http://localhost\r\n"), 0);
  EXPECT_EQ(status("POST /open", "Host: localhost\r\nOrigin: https://localhost\r\n"),
            0);  // behind a TLS proxy
  for (const std::string origin :
       {"http://localhost", "http://localhost:8011", "http://127.0.0.1:8010", "null", "http://evil.example",
        "ftp://localhost:8010", "", "localhost:8010"}) {
    EXPECT_EQ(status("POST /open", host + "Origin: " + origin + "\r\n"), 403) << origin;
  }
  EXPECT_EQ(status("POST /open", host + "Origin: http://localhost:8010\r\nOrigin: http://evil.example\r\n"),
            403);
  EXPECT_EQ(status("GET /open", host + "Origin: http://evil.example\r\n"), 0);
  const Caller tls{"p", "192.0.2.1", true};
  EXPECT_EQ(status("POST /open", host + "Origin: https://localhost:8010\r\n", tls), 0);
  EXPECT_EQ(status("POST /open", host + "Origin: http://localhost:8010\r\n", tls), 403);
}

TEST_F(AdmissionTest, RolesAreChecked) {
  const std::string host = "Host: localhost\r\n";
  EXPECT_EQ(status("GET /open", host), 0);
  EXPECT_EQ(authentications_, 0);
  EXPECT_EQ(status("GET /view", host + "Authorization: Bearer v\r\n"), 0);
  EXPECT_EQ(status("GET /view", host + "Authorization: Bearer broken\r\n"), 503);
  EXPECT_EQ(status("POST /operate", host + "Authorization: Bearer o\r\n"), 0);
  auto outcome = admit("GET /view", host);
  auto& missing = std::get<Refused>(outcome).response;
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(missing.headers, (Headers{{"WWW-Authenticate", "Bearer"}}));
  EXPECT_THAT(missing.body, testing::HasSubstr("this needs a token"));
  auto low = admit("POST /operate", host + "Authorization: Bearer v\r\n");
  EXPECT_EQ(std::get<Refused>(low).response.status, 403);
  ASSERT_TRUE(std::get<Refused>(low).audited);
  EXPECT_EQ(std::get<Refused>(low).audited->identity.name, "vera");
}

TEST_F(AdmissionTest, WithoutAnAuthenticatorEverybodyIsAdmin) {
  options_.authenticate = nullptr;
  auto outcome = admit("POST /operate?a=b", "Host: localhost\r\n");
  const auto& request = std::get<Admitted>(outcome).request;
  EXPECT_EQ(request.identity.role, Role::kAdmin);
  EXPECT_EQ(request.path, "/operate");
  EXPECT_EQ(request.query_value("a"), "b");
  EXPECT_EQ(request.id, "id");
  EXPECT_EQ(request.peer, "127.0.0.1:5");
}

TEST_F(AdmissionTest, UnknownPathsAndMethods) {
  const std::string host = "Host: localhost\r\n";
  EXPECT_EQ(status("GET /nothing", host), 404);
  EXPECT_EQ(status("GET *", host), 404);
  auto outcome = admit("DELETE /open", host);
  EXPECT_EQ(std::get<Refused>(outcome).response.status, 405);
  EXPECT_EQ(std::get<Refused>(outcome).response.headers, (Headers{{"Allow", "GET, HEAD, POST, OPTIONS"}}));
  outcome = admit("OPTIONS /operate", host);
  EXPECT_EQ(std::get<Refused>(outcome).response.status, 204);
  EXPECT_EQ(std::get<Refused>(outcome).response.headers, (Headers{{"Allow", "POST, OPTIONS"}}));
  EXPECT_EQ(status("OPTIONS *", host), 204);
}

TEST_F(AdmissionTest, AnnouncedSizesAreChecked) {
  EXPECT_EQ(status("POST /open", "Host: localhost\r\nContent-Length: 10\r\n"), 0);
  EXPECT_EQ(status("POST /open", "Host: localhost\r\nContent-Length: 11\r\n"), 413);
}

}  // namespace
}  // namespace holdfast::http
