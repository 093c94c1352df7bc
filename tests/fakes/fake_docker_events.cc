#include "tests/fakes/fake_docker_events.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace holdfast::test {

struct FakeDockerEvents::Follower {
  std::mutex mutex;  // one call at a time
  docker::EventHandlers handlers;
  const void* client = nullptr;
  std::atomic<bool> open = true;

  void tell(const docker::ContainerEvent& event) {
    const std::lock_guard lock(mutex);
    if (open) handlers.on_event(event);
  }
  void end(const Error& why) {
    const std::lock_guard lock(mutex);
    if (open.exchange(false)) handlers.on_end(why);
  }
};

class FakeDockerEvents::Followed final : public docker::Subscription {
 public:
  Followed(FakeDockerEvents& events, std::shared_ptr<Follower> follower)
      : events_(events), follower_(std::move(follower)) {}
  ~Followed() override {
    {
      const std::lock_guard lock(events_.mutex_);
      std::erase(events_.followers_, follower_);
    }
    const std::lock_guard lock(follower_->mutex);
    follower_->open = false;
  }

 private:
  FakeDockerEvents& events_;
  std::shared_ptr<Follower> follower_;
};

void FakeDockerEvents::tell(const docker::ContainerEvent& event) {
  std::vector<std::shared_ptr<Follower>> followers;
  {
    const std::lock_guard lock(mutex_);
    followers = followers_;
    told_.push_back(event);
  }
  for (const auto& each : followers) each->tell(event);
}

std::unique_ptr<docker::Subscription> FakeDockerEvents::follow(std::int64_t since_ns,
                                                               docker::EventHandlers handlers,
                                                               const void* client) {
  auto follower = std::make_shared<Follower>();
  follower->handlers = std::move(handlers);
  follower->client = client;
  const std::lock_guard order(follower->mutex);  // what is told from now on comes after what was missed
  std::vector<docker::ContainerEvent> missed;
  {
    const std::lock_guard lock(mutex_);
    followers_.push_back(follower);
    if (since_ns != 0) {
      std::copy_if(told_.begin(), told_.end(), std::back_inserter(missed),
                   [&](const auto& each) { return each.time_ns >= since_ns; });
    }
  }
  for (const auto& each : missed) follower->handlers.on_event(each);
  follower->handlers.on_open();
  return std::make_unique<Followed>(*this, follower);
}

void FakeDockerEvents::end(const void* client, const Error& why) {
  std::vector<std::shared_ptr<Follower>> ended;
  {
    const std::lock_guard lock(mutex_);
    std::copy_if(followers_.begin(), followers_.end(), std::back_inserter(ended),
                 [&](const auto& each) { return each->client == client; });
  }
  for (const auto& each : ended) each->end(why);
}

int FakeDockerEvents::followers() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::count_if(followers_.begin(), followers_.end(),
                                        [](const auto& each) { return each->open.load(); }));
}

}  // namespace holdfast::test
