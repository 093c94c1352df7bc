// A ConfigMap on the fake API server, followed by a SharedConfigMap, and changed by others.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtimes/kubernetes/inside/config_map.h"
#include "tests/support/support.h"
#include "tests/unit/kubernetes_inside/hooked_kube.h"

namespace holdfast::kubernetes::test {

using holdfast::test::FakeKube;
using holdfast::test::HookedKube;
using holdfast::test::SimClock;
using holdfast::test::wait_until;

class MapWorld : public testing::Test {
 protected:
  using Values = SharedConfigMap::Values;

  void follow() {
    map_ = std::make_unique<SharedConfigMap>(way_, clock_, "ns", "config", [this] { ++told_; });
    const auto synced = map_->wait_synced(std::chrono::minutes{1});
    ASSERT_TRUE(synced) << synced.error().message;
  }
  // As another does it; waits until the map has seen it.
  void by_hand(const Values& values) {
    const auto version = put(values);
    if (!map_) return;
    EXPECT_TRUE(wait_until([&] { return map_->data()->resource_version == version; }));
  }
  std::string put(const Values& values) {
    auto data = Json::object();
    for (const auto& [key, value] : values) data.set(key, value);
    auto object = server_.get(kConfigMaps, "ns", "config")->value_or(Json::object());
    auto metadata = object.at("metadata").is_null() ? Json::object() : object.at("metadata");
    metadata.set("name", "config");
    metadata.set("namespace", "ns");
    object.set("metadata", metadata);
    object.set("data", data);
    return server_.put(kConfigMaps, object).at("metadata").at("resourceVersion").as_string();
  }
  // What the server has; "" if the key isn't there.
  std::string kept(const std::string& key) {
    const auto object = server_.get(kConfigMaps, "ns", "config")->value_or(Json());
    return object.at("data").at(key).as_string();
  }
  Values values() { return map_->data()->values; }
  size_t writes() const { return server_.count("update") + server_.count("create"); }

  FakeKube server_;
  SimClock clock_;
  HookedKube way_{server_};
  std::atomic<int> told_ = 0;
  std::unique_ptr<SharedConfigMap> map_;
};

inline Status set_a(SharedConfigMap::Values& values) {
  values["a"] += "+";
  return {};
}

}  // namespace holdfast::kubernetes::test
