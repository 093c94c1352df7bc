// One desired state with several doors: kubectl, this controller and another.
#include "runtimes/kubernetes/inside/config_map.h"

#include "runtimes/kubernetes/inside/config_map_edits.h"
#include "runtimes/kubernetes/inside/config_map_intents.h"
#include "tests/integration/kubernetes_inside/fixture.h"

namespace holdfast::kubernetes::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Json replicas(int count) {
  return Json::object({{"services", Json::object({{"web", Json::object({{"replicas", count}})}})}});
}

class ConfigMapInCluster : public InsideTest {
 protected:
  std::unique_ptr<SharedConfigMap> follow(Client& client) {
    auto map = std::make_unique<SharedConfigMap>(client, clock_, ns(), "config", [this] { ++told_; });
    const auto synced = map->wait_synced(minutes{1});
    EXPECT_TRUE(synced) << synced.error().message;
    return map;
  }
  // With kubectl edit, and an editor that is a script of sed.
  void edit_by_hand(const std::string& script) {
    const auto done = holdfast::test::run_program({"kubectl", "--kubeconfig", world_.cluster().kubeconfig(),
                                                   "--namespace", ns(), "edit", "configmap", "config"},
                                                  {{"KUBE_EDITOR", "sed -i -e '" + script + "'"}});
    EXPECT_EQ(done.status, 0) << done.output;
  }

  std::unique_ptr<Client> client_ = client_as("admin"), other_ = client_as("admin");
  std::atomic<int> told_ = 0;
};

TEST_F(ConfigMapInCluster, SeesWhatKubectlDoes) {
  const auto map = follow(*client_);
  EXPECT_TRUE(map->data()->values.empty());
  world_.kubectl_ok({"create", "configmap", "config", "--from-literal", "a.yaml=services: {}"});
  ASSERT_TRUE(wait_until([&] { return map->layers().size() == 1; }));
  EXPECT_EQ(map->layers().front().text, "services: {}");
  edit_by_hand("s/services: {}/services: {web: {}}/");
  ASSERT_TRUE(wait_until([&] { return map->layers().front().text == "services: {web: {}}"; }));
  world_.kubectl_ok({"delete", "configmap", "config"});
  ASSERT_TRUE(wait_until([&] { return map->layers().empty(); }));
  EXPECT_GE(told_, 3);
}

TEST_F(ConfigMapInCluster, NoEditIsLostWhereSeveralEditAtOnce) {
  const auto one = follow(*client_), two = follow(*other_);
  constexpr int kEach = 15;
  const auto count = [&](SharedConfigMap& map) {
    for (int i = 0; i < kEach; ++i) {
      const auto done = map.edit(
          [](SharedConfigMap::Values& values) -> Status {
            auto& text = values["count"];
            text = std::to_string((text.empty() ? 0 : std::stoi(text)) + 1);
            return {};
          },
          50);
      EXPECT_TRUE(done) << done.error().message;
    }
  };
  std::jthread a([&] { count(*one); }), b([&] { count(*two); }), c([&] { count(*two); });
  a.join();
  b.join();
  c.join();
  EXPECT_EQ(world_.kubectl_ok({"get", "configmap", "config", "-o", "jsonpath={.data.count}"}), "45");
  EXPECT_TRUE(wait_until([&] { return one->data()->values.at("count") == "45"; }));
}

TEST_F(ConfigMapInCluster, EditsOfTwoControllersAndByHand) {
  const auto one = follow(*client_), two = follow(*other_);
  ConfigMapEditStore mine(*one, clock_), theirs(*two, clock_);
  ASSERT_EQ(mine.commit(replicas(1), {"ci", ""}, "web"), 1u);
  // The other has not taken that in: it is told so, and can at once.
  const auto late = theirs.commit(replicas(9), {"op", ""}, "web");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(late.error().terminal);
  ASSERT_TRUE(theirs.refresh());
  EXPECT_EQ(theirs.layer(), replicas(1));
  ASSERT_EQ(theirs.commit(replicas(2), {"op", ""}, "web"), 2u);

  ASSERT_TRUE(wait_until([&] { return mine.refresh() && mine.layer() == replicas(2); }));
  edit_by_hand("s/\"replicas\": 2/\"replicas\": 5/");
  ASSERT_TRUE(wait_until([&] { return mine.refresh() && mine.layer() == replicas(5); }));
  ASSERT_EQ(mine.commit(replicas(6), {"ci", ""}, "web"), 4u);
  EXPECT_EQ(mine.read(3), replicas(5));
  EXPECT_EQ(mine.revisions()[1].actor, "kubectl-edit");
  EXPECT_LT(clock_.wall() - mine.revisions()[1].at, minutes{5});
}

TEST_F(ConfigMapInCluster, TextsBrokenByHandStayAsTheyAre) {
  const auto map = follow(*client_);
  ConfigMapEditStore edits(*map, clock_);
  ConfigMapIntents intents(*map);
  ASSERT_TRUE(edits.commit(replicas(1), {"ci", ""}, "web"));
  ASSERT_TRUE(intents.save("web", {}, {{"web", {}}}));
  ASSERT_TRUE(edits.refresh());
  edit_by_hand("s/\"replicas\": 1/\"replicas\": ,/");
  ASSERT_TRUE(wait_until([&] { return !edits.refresh(); }));
  EXPECT_THAT(edits.refresh().error().message,
              HasSubstr("ConfigMap " + ns() + "/config, key edits.json: line 4, column 19"));
  EXPECT_EQ(edits.layer(), replicas(1));
  EXPECT_TRUE(edits.commit(replicas(2), {}, "").error().terminal);
  EXPECT_THAT(world_.kubectl_ok({"get", "configmap", "config", "-o", "yaml"}), HasSubstr("\"replicas\": ,"));
  EXPECT_TRUE(intents.save("web", {}, {{"web", {}}}));  // another key
  edit_by_hand("s/\"replicas\": ,/\"replicas\": 3/");
  ASSERT_TRUE(wait_until([&] { return edits.refresh() && edits.layer() == replicas(3); }));
  EXPECT_EQ(edits.commit(replicas(4), {}, ""), 3u);
  EXPECT_EQ(intents.view().intents.size(), 1u);
}

TEST_F(ConfigMapInCluster, AsMuchAsItMayHoldAndNoMore) {
  const auto map = follow(*client_);
  const auto hold = [&](size_t bytes) {
    return map->edit([&](SharedConfigMap::Values& values) -> Status {
      values["x"] = std::string(bytes, 'x');
      return {};
    });
  };
  const auto most = hold(1u << 20);
  EXPECT_TRUE(most) << most.error().message;
  EXPECT_EQ(hold((1u << 20) + 1).error().code, ErrorCode::kInvalid);
}

TEST_F(ConfigMapInCluster, ReadsItsOwnWritesWhileTheWatchIsCut) {
  FaultProxy proxy(world_.cluster());
  const auto client = client_from(proxy.kubeconfig());
  world_.kubectl_ok({"create", "configmap", "config", "--from-literal", "n=0"});
  const auto map = follow(*client);
  const auto watches = [](const KubeRequest& request) { return request.is_watch(); };
  proxy.freeze(watches);
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(map->edit([&](SharedConfigMap::Values& values) -> Status {
      values["n"] = std::to_string(i);
      return {};
    }));
    EXPECT_EQ(map->data()->values.at("n"), std::to_string(i));
  }
  proxy.thaw();
  world_.kubectl_ok({"patch", "configmap", "config", "-p", "{\"data\": {\"n\": \"4\"}}"});
  EXPECT_TRUE(wait_until([&] { return map->data()->values.at("n") == "4"; }));
}

TEST_F(ConfigMapInCluster, TellsWhichRuleIsMissing) {
  const auto limited = client_as("test-a");
  SharedConfigMap map(*limited, clock_, ns(), "config");
  ASSERT_TRUE(wait_until([&] { return map.error().has_value(); }));
  EXPECT_EQ(map.error()->code, ErrorCode::kPermission);
  EXPECT_THAT(map.error()->message, HasSubstr("list configmaps"));
  world_.allow("test-a", "get,list,watch", "configmaps");
  EXPECT_TRUE(map.wait_synced(minutes{1}));
  const auto written = map.edit([](SharedConfigMap::Values& values) -> Status {
    values["a"] = "1";
    return {};
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kPermission);
  EXPECT_THAT(written.error().message, HasSubstr("create configmaps"));
}

}  // namespace
}  // namespace holdfast::kubernetes::test
