// `kubectl port-forward`, as people reach what is in a cluster, and the API behind it.
#pragma once

#include <string>
#include <vector>

#include "tests/e2e/harness/controller.h"
#include "tests/support/kube_world/kube_world.h"

namespace holdfast::test {

// Runs from construction on, and answers; otherwise the test fails. It stays with one pod, also for a
// Service, and is of no use once that is gone.
class PortForward {
 public:
  PortForward(const KubeWorld& world, const std::string& target, int port);  // "service/holdfast"
  ~PortForward();
  PortForward(const PortForward&) = delete;
  PortForward& operator=(const PortForward&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }  // "127.0.0.1:40123"

 private:
  const TempDir dir_;
  pid_t pid_ = -1;
  std::string address_;
};

class ForwardedApi {
 public:
  ForwardedApi(const KubeWorld& world, const std::string& target, std::string token)
      : forward_(world, target, 8010), token_(std::move(token)) {}

  [[nodiscard]] Answer request(const std::string& method, const std::string& path,
                               const std::string& body = {}) const {
    return http_request({.url = "http://" + forward_.address()}, method, path, body,
                        {"Authorization: Bearer " + token_});
  }
  [[nodiscard]] Answer get(const std::string& path) const { return request("GET", path); }
  [[nodiscard]] Answer post(const std::string& path) const { return request("POST", path); }
  [[nodiscard]] Json service(const std::string& name) const { return get("/api/v1/services/" + name).json; }
  [[nodiscard]] Finished cli(const std::vector<std::string>& arguments) const;

 private:
  const PortForward forward_;
  const std::string token_;
};

}  // namespace holdfast::test
