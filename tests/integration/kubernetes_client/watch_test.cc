// Watches and informers on bad days.
#include <thread>

#include "tests/integration/kubernetes_client/fixture.h"

namespace holdfast::kubernetes {
namespace {

using std::chrono::seconds;
using test::KubeRequest;
using test::wait_until;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

bool is_watch(const KubeRequest& request) {
  return request.is_watch();
}
bool is_list(const KubeRequest& request) {
  return request.is_list();
}

class Watches : public SharedServerTest {
 protected:
  void put(const std::string& name, const std::string& value) {
    const auto done = client().apply(kConfigMaps, ns(), config_map(name, {{"value", value}}), {});
    ASSERT_TRUE(done) << done.error().message;
  }
  void remove(const std::string& name) { ASSERT_TRUE(client().remove(kConfigMaps, ns(), name, {})); }

  test::FaultProxy proxy_{cluster()};
  std::unique_ptr<Client> through_ = client_of(access_by(proxy_.kubeconfig()));
};

TEST_F(Watches, TellWhatChanges) {
  put("a", "1");
  Listener listener(client(), clock_, ns());
  ASSERT_TRUE(listener.in_step());
  put("a", "2");
  put("b", "1");
  remove("a");
  ASSERT_TRUE(listener.hears("a=2>"));
  EXPECT_THAT(listener.told(), ElementsAre(">a=1", "a=1>a=2", ">b=1", "a=2>"));
  EXPECT_EQ(listener.informer().size(), 1u);
}

// Whatever happens to its watches, an informer tells every version once, and in order.
TEST_F(Watches, LoseNothingAndTellNothingTwiceWhenTheyAreCut) {
  constexpr int kVersions = 120;
  Listener listener(*through_, clock_, ns(), seconds{1});
  ASSERT_TRUE(listener.in_step());
  std::vector<std::string> wanted{">a=0"};
  put("a", "0");
  for (int i = 1; i <= kVersions; ++i) {
    if (i % 10 == 0) proxy_.cut(is_watch);
    if (i % 10 == 5)  // in the middle of the second event from now
      proxy_.inject(is_watch, {.cut = test::KubeFault::Cut{.lines = 1, .bytes = 50}});
    put("a", std::to_string(i));
    wanted.push_back("a=" + std::to_string(i - 1) + ">a=" + std::to_string(i));
  }
  ASSERT_TRUE(listener.hears(wanted.back()));
  EXPECT_EQ(listener.told(), wanted);
  EXPECT_EQ(listener.informer().stats().lists, 1u);
  EXPECT_GT(listener.informer().stats().watches, 10u);
}

TEST_F(Watches, AreReplacedWhenTheyStall) {
  Listener listener(*through_, clock_, ns(), seconds{1});
  ASSERT_TRUE(listener.in_step());
  ASSERT_TRUE(wait_until([&] { return proxy_.count(is_watch) > 0; }));
  proxy_.freeze(is_watch);
  put("a", "1");
  ASSERT_TRUE(wait_until([&] { return listener.informer().stats().stalls >= 1; }));
  ASSERT_TRUE(wait_until([&] { return !listener.informer().synced(); }));
  proxy_.thaw();
  ASSERT_TRUE(listener.hears(">a=1"));
  ASSERT_TRUE(listener.in_step());
}

TEST_F(Watches, WaitWhenTheServerAsksForPatience) {
  proxy_.inject(is_list, {.answer = test::kube_status(429, "Retry-After: 1\r\n")});
  proxy_.inject(is_watch, {.answer = test::kube_status(429, "Retry-After: 1\r\n")}, 2);
  Listener listener(*through_, clock_, ns());
  ASSERT_TRUE(wait_until([&] { return proxy_.count(is_watch) >= 3; }));
  ASSERT_TRUE(listener.in_step());
  EXPECT_EQ(listener.informer().stats().lists, 1u);  // the client itself has waited
}

TEST_F(Watches, ListAnewWhenTheirVersionIsTooOld) {
  Listener listener(*through_, clock_, ns());
  ASSERT_TRUE(listener.in_step());
  put("a", "1");
  ASSERT_TRUE(listener.hears(">a=1"));
  proxy_.inject(is_watch, {.answer = test::kube_watch_error(410)});
  proxy_.cut(is_watch);
  ASSERT_TRUE(wait_until([&] { return listener.informer().stats().lists == 2; }));
  put("a", "2");
  ASSERT_TRUE(listener.hears("a=1>a=2"));
  EXPECT_THAT(listener.told(), ElementsAre(">a=1", "a=1>a=2"));
}

TEST_F(Watches, TellThatTheyAreForbidden) {
  const auto limited = client_of(access_by(cluster().kubeconfig("test-a")));
  Listener listener(*limited, clock_, ns());
  ASSERT_TRUE(wait_until([&] { return listener.informer().error().has_value(); }));
  EXPECT_EQ(listener.informer().error()->code, ErrorCode::kPermission);
  EXPECT_THAT(listener.informer().error()->hint, HasSubstr(R"(verbs: ["list"])"));
  world_.allow("test-a", "list", "configmaps");
  ASSERT_TRUE(wait_until([&] {
    const auto error = listener.informer().error();
    return error && error->hint.find(R"(verbs: ["watch"])") != std::string::npos;
  }));
  world_.allow("test-a", "watch", "configmaps");
  EXPECT_TRUE(listener.in_step());
}

TEST_F(Watches, EndAtOnceWhenNobodyAnswers) {
  proxy_.inject(is_list, {.silence = true});
  {
    const Listener listener(*through_, clock_, ns());
    ASSERT_TRUE(wait_until([&] { return proxy_.count(is_list) == 1; }));
  }
  SUCCEED();
}

using OwnServer = OwnServerTest;

TEST_F(OwnServer, ForgetsWhatAListAndAWatchGoOnFrom) {
  constexpr int kMany = 501;
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(put("m-" + std::to_string(i), "0"));
  test::FaultProxy proxy(server_.cluster());
  const auto through = make_client(access_by(proxy.kubeconfig()), clock_);

  std::set<std::string> names;
  int restarts = 0;
  const auto version = through->list(
      kConfigMaps, {.namespace_ = "default", .label_selector = "test=holdfast"},
      [&](const Json& object) {
        names.insert(name_of(object));
        if (restarts > 0 || names.size() != 1) return;
        EXPECT_TRUE(put("m-0", "1"));
        server_.compact();
      },
      [&] {
        ++restarts;
        names.clear();
      });
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(restarts, 1);
  EXPECT_EQ(names.size(), size_t{kMany});

  Listener listener(*through, clock_, "default");
  ASSERT_TRUE(listener.in_step());
  proxy.close();
  ASSERT_TRUE(wait_until([&] { return !listener.informer().synced(); }));
  EXPECT_EQ(listener.informer().size(), size_t{kMany});
  ASSERT_TRUE(put("m-0", "2"));
  ASSERT_TRUE(client_->remove(kConfigMaps, "default", "m-1", {}));
  server_.compact();
  proxy.open();
  ASSERT_TRUE(listener.hears("m-0=1>m-0=2"));
  ASSERT_TRUE(listener.hears("m-1=0>"));
  EXPECT_EQ(listener.informer().stats().lists, 2u);
  EXPECT_EQ(listener.told().size(), size_t{kMany + 2});
}

TEST_F(OwnServer, ComesAndGoes) {
  Listener listener(*client_, clock_, "default", seconds{2});
  ASSERT_TRUE(listener.in_step());
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(listener.hears(">a=1"));

  server_.kill("apiserver");
  ASSERT_TRUE(wait_until([&] { return !listener.informer().synced(); }));
  const auto why = listener.informer().error().value_or(Error{});
  EXPECT_EQ(why.code, ErrorCode::kUnavailable) << why.message;
  EXPECT_EQ(client_->get(kConfigMaps, "default", "a").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(listener.informer().size(), 1u);
  server_.start("apiserver");
  ASSERT_TRUE(listener.in_step());
  ASSERT_TRUE(wait_until([&] { return put("a", "2"); }));
  ASSERT_TRUE(listener.hears("a=1>a=2"));

  server_.stop("etcd");
  const auto refused = client_->get(kConfigMaps, "default", "a");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().code, ::testing::AnyOf(ErrorCode::kUnavailable, ErrorCode::kTimeout))
      << refused.error().message;
  server_.start("etcd");
  ASSERT_TRUE(wait_until([&] { return put("a", "3"); }));
  ASSERT_TRUE(listener.hears("a=2>a=3"));

  server_.hang("apiserver");
  const auto hung = client_->get(kConfigMaps, "default", "a");
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, ErrorCode::kTimeout) << hung.error().message;
  ASSERT_TRUE(wait_until([&] { return !listener.informer().synced(); }));
  server_.resume("apiserver");
  ASSERT_TRUE(listener.in_step());
  ASSERT_TRUE(wait_until([&] { return put("a", "4"); }));
  ASSERT_TRUE(listener.hears("a=3>a=4"));
}

}  // namespace
}  // namespace holdfast::kubernetes
