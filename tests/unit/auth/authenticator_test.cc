#include "api/auth/authenticator.h"

#include "tests/support/support.h"

namespace holdfast::auth {
namespace {

using http::Role;
using testing::HasSubstr;

http::Request request_with(const std::string& authorization, const std::string& peer = "10.0.0.1:5000") {
  http::Request request;
  if (!authorization.empty()) request.headers = {{"authorization", authorization}};
  request.peer = peer;
  return request;
}

class Bearer : public testing::Test {
 protected:
  void SetUp() override {
    token_ = create_token(path_, "alice", Role::kOperator, clock_).value();
    authenticate_ = bearer_authenticator(TokenFile::open(path_).value(), clock_);
  }
  ErrorCode failure(const http::Request& request) {
    const auto identity = authenticate_(request);
    EXPECT_FALSE(identity);
    return identity ? ErrorCode::kInternal : identity.error().code;
  }

  test::TempDir dir_;
  test::SimClock clock_;
  std::string path_ = dir_ / "tokens", token_;
  std::function<Result<http::Identity>(const http::Request&)> authenticate_;
};

TEST_F(Bearer, TheTokenSaysWho) {
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER   "}) {
    const auto identity = authenticate_(request_with(scheme + token_));
    ASSERT_TRUE(identity) << scheme;
    EXPECT_EQ(identity->name, "alice");
    EXPECT_EQ(identity->role, Role::kOperator);
  }
}

TEST_F(Bearer, WithoutAValidTokenThereIsNoWay) {
  for (const std::string& header : {std::string(), std::string("Bearer"), std::string("Bearer "),
                                    std::string("Bearer x"), "Basic " + token_, token_, "Bearer" + token_})
    EXPECT_EQ(failure(request_with(header)), ErrorCode::kPermission) << header;
}

TEST_F(Bearer, TooManyWrongTokensAreTurnedAwayPerAddressUntilTimePasses) {
  int refused = 0;
  while (failure(request_with("Bearer hf_00_00")) == ErrorCode::kPermission) {
    ASSERT_LT(++refused, 1000);
  }
  EXPECT_EQ(refused, 20);
  // The port is the client's choice, so it buys nothing; another address has its own bucket.
  EXPECT_EQ(failure(request_with("Bearer hf_00_00", "10.0.0.1:5001")), ErrorCode::kConflict);
  EXPECT_EQ(failure(request_with("Bearer hf_00_00", "10.0.0.2:5000")), ErrorCode::kPermission);
  // Somebody else's failures behind the same address keep nobody out.
  EXPECT_TRUE(authenticate_(request_with("Bearer " + token_)));
  clock_.advance(std::chrono::seconds(2));
  EXPECT_EQ(failure(request_with("Bearer hf_00_00")), ErrorCode::kPermission);
  EXPECT_EQ(failure(request_with("Bearer hf_00_00")), ErrorCode::kConflict);
}

TEST_F(Bearer, ARequestWithoutATokenIsNoAttempt) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(failure(request_with("")), ErrorCode::kPermission);
  EXPECT_EQ(failure(request_with("Bearer wrong")), ErrorCode::kPermission);
}

TEST(FailureLimiter, RemembersABoundedNumberOfPeers) {
  test::SimClock clock;
  FailureLimiter limiter(clock, {1, 1, 3});
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(limiter.allow(std::to_string(i)));
    clock.advance(std::chrono::milliseconds(1));
    EXPECT_LE(limiter.peers(), 3u);
  }
  EXPECT_FALSE(limiter.allow("9"));  // the newest are the ones it remembers
}

TEST(PeerKey, IsWhatACallerCannotChooseFreely) {
  EXPECT_EQ(peer_key("127.0.0.1:51234"), "127.0.0.1");
  EXPECT_EQ(peer_key("[2001:db8:1:2:3:4:5:6]:80"), "2001:db8:1:2::/64");
  EXPECT_EQ(peer_key("[::ffff:10.0.0.1]:80"), "10.0.0.1");
  EXPECT_EQ(peer_key("unix"), "unix");
}

TEST(CheckExposure, AnOpenApiBeyondThisMachineIsRefused) {
  for (const char* listen :
       {"127.0.0.1:8010", "127.9.9.9:1", "[::1]:8010", "localhost:8010", "unix:/run/h.sock"})
    EXPECT_TRUE(check_exposure(listen, false, false)) << listen;
  for (const char* listen : {"0.0.0.0:8010", "[::]:8010", ":8010", "10.1.2.3:80", "example.org:80", "*:80",
                             "127.0.0.1.example.org:80", "[::ffff:8.8.8.8]:80", "2130706433:80"}) {
    const Status status = check_exposure(listen, false, false);
    ASSERT_FALSE(status) << listen;
    EXPECT_THAT(status.error().message, HasSubstr(listen));
    EXPECT_THAT(status.error().hint, HasSubstr("tokensFile"));
    EXPECT_TRUE(check_exposure(listen, true, false));
    EXPECT_TRUE(check_exposure(listen, false, true));
  }
}

}  // namespace
}  // namespace holdfast::auth
