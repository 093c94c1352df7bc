#include "tests/support/kube_world/fault_proxy.h"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

bool any(const KubeRequest&) {
  return true;
}

class FaultyCluster : public testing::Test {
 protected:
  void SetUp() override {
    if (!world_.cluster().has_user("admin")) GTEST_SKIP() << "a cluster whose admin has no token";
  }
  // The status is curl's: 0, 52: nothing came, 18: only a part came, 28: nothing more came for a second.
  Finished get(const std::string& target) const {
    return run_program({"curl", "-s", "-i", "-N", "--noproxy", "*", "--max-time", "60", "--speed-time", "1",
                        "--speed-limit", "1", proxy_.server() + target});
  }
  void create(const std::string& name) const { world_.kubectl_ok({"create", "configmap", name}); }
  const KubeWorld world_;
  const std::string maps_ = "/api/v1/namespaces/" + world_.ns() + "/configmaps";
  FaultProxy proxy_{world_.cluster()};
};

TEST_F(FaultyCluster, IsAsGoodAsTheServer) {
  const auto done =
      run_program({"kubectl", "--kubeconfig", proxy_.kubeconfig(), "create", "configmap", "big",
                   "--namespace", world_.ns(), "--from-literal", "text=" + std::string(100000, 'x')});
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(get(maps_ + "/big").output, HasSubstr(std::string(100000, 'x')));
  EXPECT_EQ(proxy_.count([](const auto& request) { return request.method == "POST"; }), 1U);
}

TEST_F(FaultyCluster, SpeaksForAUser) {
  if (!world_.cluster().has_user("test-b")) GTEST_SKIP() << "a cluster with other users";
  const FaultProxy limited(world_.cluster(), "test-b");
  EXPECT_THAT(run_program({"curl", "-sS", "--noproxy", "*", limited.server() + maps_}).output,
              HasSubstr("test-b"));
}

TEST_F(FaultyCluster, AnswersInTheServersPlace) {
  const auto lists = [](const KubeRequest& request) { return request.is_list(); };
  proxy_.inject(lists, {.answer = kube_status(429, "Retry-After: 1\r\n")}, 2);
  proxy_.inject(lists, {.answer = ""});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(get("/version").status, 0);
    EXPECT_THAT(get(maps_).output, testing::AllOf(HasSubstr("HTTP/1.1 429"), HasSubstr("Retry-After: 1"),
                                                  HasSubstr("TooManyRequests")));
  }
  EXPECT_EQ(get(maps_).status, 52);
  EXPECT_THAT(get(maps_).output, HasSubstr("HTTP/1.1 200"));
  EXPECT_EQ(proxy_.count(lists), 4U);
  EXPECT_EQ(proxy_.requests().size(), 6U);
}

TEST_F(FaultyCluster, CutsAnswersInTheMiddle) {
  create("one");
  create("two");
  proxy_.inject(any, {.cut = KubeFault::Cut{.lines = 1, .bytes = 20}});
  const auto done = get(maps_ + "?watch=1");
  EXPECT_EQ(done.status, 18) << done.output;
  EXPECT_EQ(std::ranges::count(done.output.substr(done.output.find("\r\n\r\n") + 4), '\n'), 1);
  EXPECT_THAT(done.output.substr(done.output.rfind('\n')), testing::StartsWith("\n{"));
}

TEST_F(FaultyCluster, CutsWhatIsOpen) {
  const auto watches = [](const KubeRequest& request) { return request.is_watch(); };
  auto watch = std::async([&] {
    return run_program({"curl", "-sS", "-N", "--noproxy", "*", proxy_.server() + maps_ + "?watch=1"}).status;
  });
  EXPECT_TRUE(wait_until([&] { return proxy_.count(watches) == 1; }));
  EXPECT_EQ(proxy_.cut(watches), 1U);
  EXPECT_THAT(watch.get(), testing::AnyOf(18, 52));
}

TEST_F(FaultyCluster, FallsSilent) {
  proxy_.inject(any, {.silence = true});
  EXPECT_EQ(get(maps_).status, 28);
  proxy_.freeze(any);
  EXPECT_EQ(get(maps_).status, 28);
  proxy_.thaw();
  EXPECT_EQ(get(maps_).status, 0);
}

TEST_F(FaultyCluster, TakesItsTime) {
  proxy_.inject(any, {.delay = 300ms});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(get("/version").status, 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
}

TEST_F(FaultyCluster, IsGoneForAWhile) {
  proxy_.close();
  EXPECT_EQ(get("/version").status, 7);
  proxy_.open();
  EXPECT_EQ(get("/version").status, 0);
}

TEST(KubeRequest, KnowsWhatIsAskedFor) {
  const auto request = [](const std::string& target) {
    return KubeRequest{.method = "GET", .target = target};
  };
  for (const auto* list : {"/api/v1/nodes", "/api/v1/namespaces", "/api/v1/namespaces/a/pods?limit=5",
                           "/apis/apps/v1/deployments", "/apis/apps/v1/namespaces/a/deployments?watch=false"})
    EXPECT_TRUE(request(list).is_list()) << list;
  for (const auto* other :
       {"/api/v1", "/apis/apps/v1", "/version", "/api/v1/namespaces/a", "/api/v1/namespaces/a/pods/b",
        "/api/v1/namespaces/a/pods/b/log", "/api/v1/pods?watch=1"})
    EXPECT_FALSE(request(other).is_list()) << other;
  EXPECT_TRUE(request("/api/v1/pods?resourceVersion=1&watch=true").is_watch());
  EXPECT_FALSE(request("/api/v1/namespaces/watch=true/pods").is_watch());
}

}  // namespace
}  // namespace holdfast::test
