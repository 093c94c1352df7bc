// Controllers' parts against a real API server, each with a client of its own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtimes/kubernetes/client/access.h"
#include "tests/support/kube_world/fault_proxy.h"
#include "tests/support/kube_world/kube_world.h"
#include "tests/support/support.h"

namespace holdfast::kubernetes::test {

using holdfast::test::FaultProxy;
using holdfast::test::KubeRequest;
using holdfast::test::KubeWorld;
using holdfast::test::wait_until;
using ::testing::HasSubstr;

class InsideTest : public testing::Test {
 protected:
  std::unique_ptr<Client> client_from(const std::string& kubeconfig) {
    auto access = access_from({.kubeconfig = kubeconfig});
    EXPECT_TRUE(access) << access.error().message;
    return make_client(std::move(*access), clock_,
                       {.connect = std::chrono::seconds{5}, .call = call_deadline_});
  }
  std::unique_ptr<Client> client_as(const std::string& user) {
    return client_from(world_.cluster().kubeconfig(user));
  }
  const std::string& ns() const { return world_.ns(); }
  static bool all(const KubeRequest&) { return true; }

  SystemClock clock_;
  Duration call_deadline_ = std::chrono::seconds{10};
  KubeWorld world_;
};

}  // namespace holdfast::kubernetes::test
