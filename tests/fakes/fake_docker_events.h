// Who follows the events of a FakeDockerEngine.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "runtimes/docker/client/client.h"

namespace holdfast::test {

// Thread-safe. Handlers are called by whoever tells, without a lock of this class held.
class FakeDockerEvents {
 public:
  void tell(const docker::ContainerEvent& event);
  // As docker::Client::events; `client`: who asks.
  std::unique_ptr<docker::Subscription> follow(std::int64_t since_ns, docker::EventHandlers handlers,
                                               const void* client);
  void end(const void* client, const Error& why);  // of this client alone
  [[nodiscard]] int followers() const;

 private:
  struct Follower;
  class Followed;

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Follower>> followers_;
  std::vector<docker::ContainerEvent> told_;
};

}  // namespace holdfast::test
