// The elector against an API server in memory, step by step.
#include "runtimes/kubernetes/inside/lease.h"

#include <gtest/gtest.h>

#include "tests/support/support.h"
#include "tests/unit/kubernetes_inside/hooked_kube.h"

namespace holdfast::kubernetes {
namespace {

using holdfast::test::FakeKube;
using holdfast::test::HookedKube;
using holdfast::test::SimClock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class LeaseTest : public testing::Test {
 protected:
  static Candidate candidate(const std::string& name) {
    return {.lease = "holdfast", .identity = name, .address = "http://" + name + ":8010"};
  }
  Json lease() { return server_.get(kLeases, "ns", "holdfast")->value_or(Json()); }
  Json spec(const char* key) { return lease().at("spec").at(key); }

  FakeKube server_;
  SimClock clock_;
  HookedKube way_a_{server_}, way_b_{server_};
  LeaseElector a_{way_a_, clock_, "ns", candidate("a")}, b_{way_b_, clock_, "ns", candidate("b")};
};

TEST_F(LeaseTest, MakesTheLeaseAndRenewsIt) {
  EXPECT_FALSE(a_.leads());
  EXPECT_EQ(a_.leader().identity, "");
  EXPECT_EQ(a_.step(), seconds{2});
  EXPECT_TRUE(a_.leads());
  EXPECT_EQ(spec("holderIdentity"), Json("a"));
  EXPECT_EQ(spec("leaseDurationSeconds"), Json(15));
  EXPECT_EQ(spec("leaseTransitions"), Json(0));
  EXPECT_EQ(spec("acquireTime"), Json("2026-01-01T00:00:00.000000Z"));
  clock_.advance(seconds{2});
  a_.step();
  EXPECT_EQ(spec("renewTime"), Json("2026-01-01T00:00:02.000000Z"));
  EXPECT_EQ(spec("acquireTime"), Json("2026-01-01T00:00:00.000000Z"));
  const auto looks = server_.count("get");
  clock_.advance(seconds{2});
  a_.step();
  EXPECT_EQ(server_.count("get"), looks);  // a leader that can renew needs none
}

TEST_F(LeaseTest, FollowersKnowWhoLeadsAndWhere) {
  a_.step();
  const auto pause = b_.step();
  EXPECT_GE(pause, milliseconds{1200});
  EXPECT_LE(pause, seconds{2});
  EXPECT_FALSE(b_.leads());
  EXPECT_EQ(b_.leader().identity, "a");
  EXPECT_EQ(b_.leader().address, "http://a:8010");
}

TEST_F(LeaseTest, LeadsUntilTheRenewDeadlineAfterWhatWasSent) {
  way_a_.after = [this] { clock_.advance(seconds{4}); };  // the answer takes its time
  a_.step();                                              // read: 4 s, write: 4 s
  way_a_.after = {};
  EXPECT_TRUE(a_.leads());
  clock_.advance(milliseconds{5999});
  EXPECT_TRUE(a_.leads());
  clock_.advance(milliseconds{1});
  EXPECT_FALSE(a_.leads());
}

TEST_F(LeaseTest, ALeaderThatIsCutOffStopsBeforeTheNextBegins) {
  a_.step();
  way_a_.loses_answers = true;
  Duration stopped{}, taken{};
  for (Duration at{}; at < seconds{40}; at += milliseconds{100}) {
    clock_.advance(milliseconds{100});
    if (at < seconds{2}) b_.step();
    if (stopped == Duration{} && !a_.leads()) stopped = at;
    if (at >= seconds{2}) b_.step();
    if (taken == Duration{} && b_.leads()) taken = at;
    EXPECT_FALSE(a_.leads() && b_.leads());
  }
  EXPECT_EQ(stopped, milliseconds{9900});
  EXPECT_EQ(taken, seconds{15});
  EXPECT_EQ(b_.leader().identity, "b");
  EXPECT_EQ(spec("leaseTransitions"), Json(1));
  way_a_.loses_answers = false;
  a_.step();
  EXPECT_FALSE(a_.leads());
  EXPECT_EQ(a_.leader().identity, "b");
}

TEST_F(LeaseTest, WallClocksDoNotCount) {
  a_.step();
  b_.step();
  clock_.set_wall(clock_.wall() + std::chrono::hours{9});
  b_.step();
  EXPECT_FALSE(b_.leads());
  clock_.set_wall(clock_.wall() - std::chrono::hours{18});
  a_.step();
  EXPECT_TRUE(a_.leads());
  clock_.advance(seconds{14});
  b_.step();  // sees that it was renewed
  clock_.advance(seconds{14});
  b_.step();
  EXPECT_FALSE(b_.leads());
  clock_.advance(seconds{1});
  b_.step();
  EXPECT_TRUE(b_.leads());
}

TEST_F(LeaseTest, LooksAgainRightWhenTheLeaseExpires) {
  a_.step();
  b_.step();
  clock_.advance(milliseconds{14500});
  EXPECT_EQ(b_.step(), milliseconds{500});
}

TEST_F(LeaseTest, ResigningHandsOverAtOnce) {
  int told = 0;
  a_.on_change([&] { ++told; });
  a_.step();
  EXPECT_EQ(told, 1);
  b_.step();
  EXPECT_TRUE(a_.resign());
  EXPECT_FALSE(a_.leads());
  EXPECT_EQ(told, 2);
  EXPECT_EQ(spec("holderIdentity"), Json(""));
  EXPECT_EQ(lease().at("metadata").at("annotations").find("holdfast.dev/address"), nullptr);
  b_.step();
  EXPECT_TRUE(b_.leads());
  EXPECT_TRUE(a_.resign());  // again: it is another's
  EXPECT_EQ(spec("holderIdentity"), Json("b"));
  a_.step();
  EXPECT_FALSE(a_.leads());
}

TEST_F(LeaseTest, AFollowerResignsWithoutATrace) {
  a_.step();
  b_.step();
  EXPECT_TRUE(b_.resign());
  EXPECT_EQ(spec("holderIdentity"), Json("a"));
}

TEST_F(LeaseTest, AWriteWhoseAnswerWasLostIsFoundAgain) {
  way_a_.loses_answers = true;
  a_.step();
  EXPECT_FALSE(a_.leads());
  way_a_.loses_answers = false;
  server_.put(kLeases, [&] {
    auto own = Json::object();
    own.set("metadata", Json::object({{"name", "holdfast"}, {"namespace", "ns"}}));
    own.set("spec", Json::object({{"holderIdentity", "a"}, {"leaseDurationSeconds", 15}}));
    return own;
  }());
  a_.step();
  EXPECT_TRUE(a_.leads());
}

TEST_F(LeaseTest, StopsAtOnceWhenItIsAnothers) {
  a_.step();
  auto stolen = lease();
  stolen.find("spec")->set("holderIdentity", "somebody");
  server_.put(kLeases, stolen);
  clock_.advance(seconds{2});
  a_.step();
  EXPECT_FALSE(a_.leads());
  EXPECT_EQ(a_.leader().identity, "somebody");
  EXPECT_FALSE(a_.error());
}

TEST_F(LeaseTest, ADeletedLeaseIsItsLeadersToMakeAnew) {
  a_.step();
  b_.step();
  server_.erase(kLeases, "ns", "holdfast");
  clock_.advance(seconds{2});
  b_.step();
  EXPECT_FALSE(b_.leads());
  a_.step();
  EXPECT_TRUE(a_.leads());
  EXPECT_EQ(spec("holderIdentity"), Json("a"));
  server_.erase(kLeases, "ns", "holdfast");
  b_.step();
  clock_.advance(seconds{15});
  b_.step();
  EXPECT_TRUE(b_.leads());
}

TEST_F(LeaseTest, TellsWhatIsMissing) {
  server_.fail_next("get", "leases", {ErrorCode::kPermission, "not allowed to get leases", "add a rule"});
  a_.step();
  ASSERT_TRUE(a_.error());
  EXPECT_EQ(a_.error()->code, ErrorCode::kPermission);
  server_.fail_next("create", "leases", {ErrorCode::kNotFound, "there is no namespace ns", ""}, 2);
  a_.step();
  ASSERT_TRUE(a_.error());
  EXPECT_EQ(a_.error()->message, "there is no namespace ns");
  EXPECT_FALSE(a_.leads());
  a_.step();
  EXPECT_FALSE(a_.error());
  EXPECT_TRUE(a_.leads());
}

TEST_F(LeaseTest, ItsThreadKeepsItWithoutAStep) {
  std::atomic<int> told = 0;
  a_.on_change([&] { ++told; });
  a_.start();
  EXPECT_TRUE(holdfast::test::wait_until([&] { return a_.leads() && told == 1; }));
  EXPECT_TRUE(a_.resign());
  EXPECT_EQ(spec("holderIdentity"), Json(""));
}

TEST(ElectionTimesTest, MustLeaveRoom) {
  EXPECT_TRUE(check(ElectionTimes{}));
  EXPECT_FALSE(check({.renew_deadline = seconds{15}}));
  EXPECT_FALSE(check({.retry = seconds{10}}));
  EXPECT_FALSE(check({.lease = milliseconds{15500}}));
  EXPECT_NE(unique_identity("pod"), unique_identity("pod"));
}

}  // namespace
}  // namespace holdfast::kubernetes
