// Calls to a real API server.
#include "tests/integration/kubernetes_client/fixture.h"

namespace holdfast::kubernetes {
namespace {

using ::testing::HasSubstr;

class Calls : public ApiServerTest {};

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
  const auto kubectl = config_map("shared", {{"theirs", "kubectl"}});
  const auto written =
      raw("PATCH", "/api/v1/namespaces/" + ns() + "/configmaps/shared?fieldManager=someone-else",
          "application/apply-patch+yaml", kubectl);
  ASSERT_TRUE(written) << written.error().message;
  ASSERT_EQ(written->status, 200) << written->body;

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
  auto bad = config_map("Not A Name", {});
  const auto refused = client().create(kConfigMaps, ns(), bad);
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
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(client().create(kConfigMaps, ns(), config_map("page-" + std::to_string(i), {})));
  std::set<std::string> names;
  const auto version = client().list(
      kConfigMaps, {.namespace_ = ns(), .label_selector = "test=holdfast"},
      [&](const Json& object) { names.insert(object.at("metadata").at("name").as_string()); }, {});
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_FALSE(version->empty());
  EXPECT_EQ(names, (std::set<std::string>{"page-0", "page-1", "page-2"}));
}

}  // namespace
}  // namespace holdfast::kubernetes
