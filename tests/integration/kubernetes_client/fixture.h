// Clients of real API servers.
#pragma once

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/informer/informer.h"
#include "tests/support/kube_world/fault_proxy.h"
#include "tests/support/kube_world/kube_world.h"
#include "tests/support/support.h"

namespace holdfast::kubernetes {

inline Access access_by(const std::string& kubeconfig) {
  auto access = access_from({.kubeconfig = kubeconfig});
  if (!access) throw std::runtime_error(access.error().message);
  return *access;
}

inline Json config_map(const std::string& name, std::initializer_list<Json::Member> data = {}) {
  return Json::object(
      {{"apiVersion", "v1"},
       {"kind", "ConfigMap"},
       {"metadata", Json::object({{"name", name}, {"labels", Json::object({{"test", "holdfast"}})}})},
       {"data", Json::object(data)}});
}

inline std::string name_of(const Json& object) {
  return object.at("metadata").at("name").as_string();
}

// "a=1": the config maps of these tests hold one value.
inline std::string text_of(const ObjectPtr& object) {
  return object ? name_of(*object) + "=" + object->at("data").at("value").as_string() : "";
}

// What an informer of config maps told.
class Listener {
 public:
  Listener(Client& client, const Clock& clock, const std::string& ns,
           Duration watch_time = std::chrono::minutes{5})
      : informer_(make_informer(client, clock,
                                {.resource = kConfigMaps,
                                 .selection = {.namespace_ = ns, .label_selector = "test=holdfast"},
                                 .watch_time = watch_time,
                                 .retry_initial = std::chrono::milliseconds{20},
                                 .retry_max = std::chrono::milliseconds{200}},
                                {.on_change = [this](const ObjectPtr& before, const ObjectPtr& after) {
                                  hear(before, after);
                                }})) {}

  Informer& informer() { return *informer_; }
  bool in_step() {
    return test::wait_until([this] { return informer_->synced(); });
  }
  // "a=1>a=2", in order.
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  bool hears(const std::string& what) {
    return test::wait_until([&] {
      const auto all = told();
      return std::find(all.begin(), all.end(), what) != all.end();
    });
  }

 private:
  void hear(const ObjectPtr& before, const ObjectPtr& after) {
    const std::lock_guard lock(mutex_);
    told_.push_back(text_of(before) + ">" + text_of(after));
  }

  std::mutex mutex_;
  std::vector<std::string> told_;
  std::unique_ptr<Informer> informer_;  // ends first
};

// A namespace on the shared server, and an administrator's client.
class SharedServerTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Client> client_of(Access access) const {
    return make_client(std::move(access), clock_);
  }
  Client& client() { return *client_; }
  [[nodiscard]] const std::string& ns() const { return world_.ns(); }
  [[nodiscard]] const test::ClusterAddress& cluster() const { return world_.cluster(); }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const auto path = dir_ / name;
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

  SystemClock clock_;
  test::TempDir dir_;
  test::KubeWorld world_;
  std::unique_ptr<Client> client_ = client_of(access_by(world_.cluster().kubeconfig()));
};

// A server of the test's own, that forgets old versions when told.
class OwnServerTest : public ::testing::Test {
 protected:
  bool put(const std::string& name, const std::string& value) {
    return client_->apply(kConfigMaps, "default", config_map(name, {{"value", value}}), {}).has_value();
  }

  SystemClock clock_;
  test::PrivateCluster server_{{.api_flags = {"--watch-cache=false"}}};
  std::unique_ptr<Client> client_ =
      make_client(access_by(server_.cluster().kubeconfig()), clock_, {.call = std::chrono::seconds{3}});
};

}  // namespace holdfast::kubernetes
