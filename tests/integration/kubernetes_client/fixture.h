// A namespace of its own on an API server, and a client for it.
#pragma once

#include <gtest/gtest.h>

#include "runtimes/http/transport.h"
#include "runtimes/kubernetes/client/access.h"
#include "tests/support/support.h"

namespace holdfast::kubernetes {

class ApiServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("HOLDFAST_TEST_KUBECONFIG");  // NOLINT(concurrency-mt-unsafe)
    if (!path) GTEST_SKIP() << "HOLDFAST_TEST_KUBECONFIG names no cluster";
    kubeconfig_ = path;
    auto access = access_from({.kubeconfig = kubeconfig_});
    ASSERT_TRUE(access) << access.error().message;
    access_ = *access;
    client_ = make_client(access_, clock_);
    namespace_ = "t" + std::to_string(clock_.wall().time_since_epoch().count());
    ASSERT_TRUE(
        client_->create(kNamespaces, {}, Json::object({{"metadata", Json::object({{"name", namespace_}})}})));
  }
  void TearDown() override {
    if (client_) client_->remove(kNamespaces, {}, namespace_, {});
  }

  Client& client() { return *client_; }
  const std::string& ns() const { return namespace_; }
  const Access& access() const { return access_; }

  static Json config_map(const std::string& name, std::initializer_list<Json::Member> data) {
    return Json::object(
        {{"apiVersion", "v1"},
         {"kind", "ConfigMap"},
         {"metadata", Json::object({{"name", name}, {"labels", Json::object({{"test", "holdfast"}})}})},
         {"data", Json::object(data)}});
  }
  // What somebody else asks of the server.
  Result<http_client::Response> raw(const std::string& method, const std::string& target,
                                    const std::string& type, const Json& body) {
    http_client::Transport transport(
        {.base_url = access_.server, .ca_file = access_.ca.path},
        [](const http_client::Fault& fault) { return http_client::plain_words(fault, "the API server"); });
    return transport.call({.method = method,
                           .target = target,
                           .what = "asking",
                           .content_type = type,
                           .body = dump_json(body),
                           .headers = {"Authorization: Bearer " + access_.token.text},
                           .timeout = std::chrono::seconds{20}});
  }

  SystemClock clock_;

 private:
  std::string kubeconfig_, namespace_;
  Access access_;
  std::unique_ptr<Client> client_;
};

}  // namespace holdfast::kubernetes
