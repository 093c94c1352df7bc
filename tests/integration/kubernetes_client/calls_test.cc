// Calls to a real API server.
#include "tests/integration/kubernetes_client/fixture.h"

namespace holdfast::kubernetes {
namespace {

using ::testing::HasSubstr;

class Calls : public SharedServerTest {};

TEST_F(Calls, TellsItsVersion) {
  const auto version = client().version(std::chrono::seconds{10});
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_THAT(*version, ::testing::StartsWith("v1."));
}

TEST_F(Calls, CreatesReadsChangesAndRemoves) {
  const auto made = client().create(kConfigMaps, ns(), config_map("settings", {{"a", "1"}}));
  ASSERT_TRUE(made) << made.error().message;
  const auto& uid = made->at("metadata").at("uid").as_string();
  EXPECT_FALSE(uid.empty());

  const auto again = client().create(kConfigMaps, ns(), config_map("settings", {}));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  EXPECT_THAT(again.error().message, HasSubstr("already exists"));

  auto changed = *made;
  changed.set("data", Json::object({{"a", "2"}}));
  const auto updated = client().update(kConfigMaps, ns(), changed);
  ASSERT_TRUE(updated) << updated.error().message;
  const auto stale = client().update(kConfigMaps, ns(), changed);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::kConflict);

  const auto patched = client().patch(kConfigMaps, ns(), "settings",
                                      Json::object({{"data", Json::object({{"a", Json()}, {"b", "3"}})}}));
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ(patched->at("data"), Json::object({{"b", "3"}}));
  const auto read = client().get(kConfigMaps, ns(), "settings");
  ASSERT_TRUE(read && *read);
  EXPECT_EQ(**read, *patched);

  const auto other = client().remove(kConfigMaps, ns(), "settings", {.uid = "another"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(client().remove(kConfigMaps, ns(), "settings", {.uid = uid}));
  EXPECT_TRUE(client().remove(kConfigMaps, ns(), "settings", {}));
  const auto gone = client().get(kConfigMaps, ns(), "settings");
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone);
}

TEST_F(Calls, AppliesAndNamesTheManagersOfOtherFields) {
  const auto made = client().create(kConfigMaps, ns(), config_map("shared", {{"mine", "1"}}));
  ASSERT_TRUE(made) << made.error().message;
  world_.kubectl_ok({"apply", "--server-side", "--field-manager=someone-else", "-f", "-"},
                    dump_json(config_map("shared", {{"theirs", "kubectl"}})));
  const auto wanted = config_map("shared", {{"theirs", "holdfast"}});
  const auto refused = client().apply(kConfigMaps, ns(), wanted, {.force = false});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr(".data.theirs (someone-else)"));
  ASSERT_EQ(refused.error().details.size(), 1u);
  EXPECT_EQ(refused.error().details[0].path, ".data.theirs");

  const auto tried = client().apply(kConfigMaps, ns(), wanted, {.dry_run = true});
  ASSERT_TRUE(tried) << tried.error().message;
  EXPECT_EQ((*client().get(kConfigMaps, ns(), "shared"))->at("data").at("theirs").as_string(), "kubectl");
  const auto taken = client().apply(kConfigMaps, ns(), wanted, {});
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->at("data").at("theirs").as_string(), "holdfast");
}

TEST_F(Calls, TellsEveryFaultOfAnInvalidObject) {
  const auto refused = client().create(kConfigMaps, ns(), config_map("Not A Name"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  ASSERT_FALSE(refused.error().details.empty());
  EXPECT_EQ(refused.error().details[0].path, "metadata.name");
}

TEST_F(Calls, TellsAMissingNamespaceFromAMissingObject) {
  const auto made = client().create(kConfigMaps, "nowhere", config_map("a", {}));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(made.error().message, HasSubstr("namespace \"nowhere\" doesn't exist"));
  constexpr Resource kUnknown{"no.such.group", "v1", "things", "Thing"};
  const auto unknown = client().get(kUnknown, ns(), "a");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.error().message, HasSubstr("doesn't know things.no.such.group"));
  const auto absent = client().get(kConfigMaps, "nowhere", "a");
  ASSERT_TRUE(absent) << absent.error().message;
  EXPECT_FALSE(*absent);
}

TEST_F(Calls, ListsEveryPage) {
  constexpr int kMany = 501;  // one more than a page
  for (int i = 0; i < kMany; ++i)
    ASSERT_TRUE(client().create(kConfigMaps, ns(), config_map("page-" + std::to_string(i))));
  test::FaultProxy proxy(cluster());
  const auto through = client_of(access_by(proxy.kubeconfig()));
  std::set<std::string> names;
  const auto version = through->list(kConfigMaps, {.namespace_ = ns(), .label_selector = "test=holdfast"},
                                     [&](const Json& object) { names.insert(name_of(object)); }, {});
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_FALSE(version->empty());
  EXPECT_EQ(names.size(), size_t{kMany});
  EXPECT_EQ(proxy.requests().size(), 2u);
}

TEST_F(Calls, NameTheRuleThatIsMissing) {
  const auto limited = client_of(access_by(cluster().kubeconfig("test-a")));
  const auto deployment =
      Json::object({{"metadata", Json::object({{"name", "web"}})}, {"spec", Json::object()}});
  const auto refused = limited->apply(kDeployments, ns(), deployment, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
  EXPECT_EQ(refused.error().message,
            "not allowed to patch deployments.apps in namespace \"" + ns() + "\" as test-a");
  EXPECT_EQ(refused.error().hint,
            R"(add to a Role: {apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]})");
  const auto logs = limited->logs(ns(), "web", {});
  ASSERT_FALSE(logs);
  EXPECT_THAT(logs.error().hint, HasSubstr(R"(resources: ["pods/log"], verbs: ["get"])"));
  // An apply of what isn't there needs to create it.
  world_.allow("test-a", "patch", "configmaps");
  EXPECT_TRUE(test::wait_until([&] {
    const auto applied = limited->apply(kConfigMaps, ns(), config_map("a"), {});
    return !applied && applied.error().hint.find(R"(verbs: ["create"])") != std::string::npos;
  }));
  world_.allow("test-a", "create", "configmaps");
  EXPECT_TRUE(
      test::wait_until([&] { return limited->apply(kConfigMaps, ns(), config_map("a"), {}).has_value(); }));
}

TEST_F(Calls, TellANamespaceThatIsBeingDeleted) {
  auto held = config_map("held");
  held.find("metadata")->set("finalizers", Json::array({"test.holdfast/held"}));
  ASSERT_TRUE(client().create(kConfigMaps, ns(), held));
  ASSERT_TRUE(client().remove(kNamespaces, {}, ns(), {}));
  const auto refused = client().create(kConfigMaps, ns(), config_map("late"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict) << refused.error().message;
  EXPECT_THAT(refused.error().message, HasSubstr("namespace \"" + ns() + "\" is being deleted"));
  EXPECT_TRUE(client().patch(kConfigMaps, ns(), "held",
                             Json::object({{"metadata", Json::object({{"finalizers", Json()}})}})));
}

TEST_F(Calls, TellWhatPodsHaveNotWritten) {
  const auto logs = client().logs(ns(), "missing", {.tail = 5});
  ASSERT_FALSE(logs);
  EXPECT_EQ(logs.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(logs.error().message, HasSubstr("reading log of pods \"missing\""));
}

}  // namespace
}  // namespace holdfast::kubernetes
