// Leadership between controllers on a real API server.
#include "runtimes/kubernetes/inside/lease.h"

#include "tests/integration/kubernetes_inside/fixture.h"

namespace holdfast::kubernetes::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LeaseInCluster : public InsideTest {
 protected:
  LeaseInCluster() { call_deadline_ = seconds{1}; }

  std::unique_ptr<LeaseElector> candidate(Client& client, const std::string& name) {
    auto elector = std::make_unique<LeaseElector>(
        client, clock_, ns(),
        Candidate{.lease = "holdfast", .identity = unique_identity(name), .address = "http://" + name},
        kTimes);
    elector->start();
    return elector;
  }
  // While it waits, never both.
  bool wait_for(const std::function<bool()>& condition) {
    return wait_until([&] {
      if (a_ && b_) both_ = both_ || (a_->leads() && b_->leads());
      return condition();
    });
  }
  void begin_both() {
    a_ = candidate(*way_a_, "a");
    ASSERT_TRUE(wait_for([&] { return a_->leads(); }));
    b_ = candidate(*client_b_, "b");
    ASSERT_TRUE(wait_for([&] { return b_->leader().address == "http://a"; }));
  }
  std::string field(const std::string& path) {
    return world_.kubectl_ok({"get", "lease", "holdfast", "-o", "jsonpath={" + path + "}"});
  }

  static constexpr ElectionTimes kTimes{
      .lease = seconds{3}, .renew_deadline = seconds{2}, .retry = milliseconds{300}};
  FaultProxy proxy_{world_.cluster()};
  std::unique_ptr<Client> way_a_ = client_from(proxy_.kubeconfig()), client_b_ = client_as("admin");
  std::unique_ptr<LeaseElector> a_, b_;
  bool both_ = false;
};

TEST_F(LeaseInCluster, ALeaderThatIsCutOffStopsBeforeTheNextBegins) {
  begin_both();
  proxy_.freeze(all);
  const auto cut = clock_.now();
  ASSERT_TRUE(wait_for([&] { return !a_->leads(); }));
  EXPECT_LE(clock_.now() - cut, seconds{3});
  EXPECT_FALSE(b_->leads());
  ASSERT_TRUE(wait_for([&] { return b_->leads(); }));
  EXPECT_EQ(field(".spec.leaseTransitions"), "1");
  EXPECT_EQ(field(".metadata.annotations.holdfast\\.dev/address"), "http://b");
  ASSERT_TRUE(wait_for([&] { return a_->error().has_value(); }));
  proxy_.thaw();
  ASSERT_TRUE(wait_for([&] { return a_->leader().address == "http://b" && !a_->error(); }));
  EXPECT_FALSE(both_);
}

TEST_F(LeaseInCluster, LostAnswersAndConflictsCostNothing) {
  begin_both();
  const auto puts = [](const KubeRequest& request) { return request.method == "PUT"; };
  proxy_.inject(puts, {.cut = holdfast::test::KubeFault::Cut{.lines = 0, .bytes = 10}}, 2);
  const auto before = proxy_.count(puts);
  ASSERT_TRUE(wait_for([&] { return proxy_.count(puts) > before + 4; }));
  EXPECT_TRUE(a_->leads());
  EXPECT_FALSE(b_->leads());
  world_.kubectl_ok({"annotate", "lease", "holdfast", "note=by-hand"});  // its renewal meets a conflict
  const auto renewed = field(".spec.renewTime");
  ASSERT_TRUE(wait_for([&] { return field(".spec.renewTime") != renewed; }));
  EXPECT_TRUE(a_->leads());
  EXPECT_EQ(field(".metadata.annotations.note"), "by-hand");
  EXPECT_EQ(field(".spec.leaseTransitions"), "0");
  EXPECT_FALSE(both_);
}

TEST_F(LeaseInCluster, ResigningHandsOverAtOnce) {
  begin_both();
  const auto at = clock_.now();
  ASSERT_TRUE(a_->resign());
  ASSERT_TRUE(wait_for([&] { return b_->leads(); }));
  EXPECT_LT(clock_.now() - at, kTimes.lease);
  EXPECT_FALSE(both_);
}

TEST_F(LeaseInCluster, WhoDiesIsFollowedWhenTheLeaseExpires) {
  begin_both();
  a_.reset();
  const auto at = clock_.now();
  ASSERT_TRUE(wait_until([&] { return b_->leads(); }));
  EXPECT_LE(clock_.now() - at, kTimes.lease + seconds{2});
}

TEST_F(LeaseInCluster, ADeletedLeaseIsMadeAnewByItsLeader) {
  begin_both();
  world_.kubectl_ok({"delete", "lease", "holdfast"});
  ASSERT_TRUE(
      wait_for([&] { return world_.kubectl({"get", "lease", "holdfast"}).status == 0 && a_->leads(); }));
  EXPECT_FALSE(b_->leads());
  EXPECT_FALSE(both_);
}

TEST_F(LeaseInCluster, TellsWhichRuleIsMissing) {
  const auto client = client_as("test-a");
  const auto elector = candidate(*client, "limited");
  ASSERT_TRUE(wait_until([&] { return elector->error().has_value(); }));
  EXPECT_EQ(elector->error()->code, ErrorCode::kPermission);
  EXPECT_THAT(elector->error()->message, HasSubstr("get leases.coordination.k8s.io"));
  world_.allow("test-a", "get", "leases.coordination.k8s.io");
  ASSERT_TRUE(wait_until([&] {
    const auto error = elector->error();
    return error && error->message.find("create leases") != std::string::npos;
  }));
  world_.allow("test-a", "create,update", "leases.coordination.k8s.io");
  ASSERT_TRUE(wait_until([&] { return elector->leads(); }));
  EXPECT_FALSE(elector->error());
}

}  // namespace
}  // namespace holdfast::kubernetes::test
