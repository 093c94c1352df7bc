// Of the fake API server: one watch, and which objects a selection means.
#pragma once

#include <mutex>

#include "tests/fakes/fake_kube_client.h"

namespace holdfast::test {

struct FakeKube::WatchState {
  kubernetes::Selection selection{};
  std::string kind{};
  kubernetes::WatchHandlers handlers{};
  bool over = false;          // of the server's; under its mutex
  std::recursive_mutex busy;  // held while a handler runs
  bool closed = false;        // under busy
};

class FakeKube::OpenWatch final : public kubernetes::Watch {
 public:
  OpenWatch(FakeKube& server, std::shared_ptr<WatchState> state)
      : server_(server), state_(std::move(state)) {}
  ~OpenWatch() override {
    {
      const std::lock_guard lock(state_->busy);
      state_->closed = true;
    }
    const std::lock_guard lock(server_.mutex_);
    std::erase(server_.watches_, state_);
  }
  OpenWatch(const OpenWatch&) = delete;
  OpenWatch& operator=(const OpenWatch&) = delete;

 private:
  FakeKube& server_;
  std::shared_ptr<WatchState> state_;
};

std::string fake_kind(const kubernetes::Resource& resource);  // "deployments.apps"
// "k=v", "k==v", "k!=v", "k" and "!k", with commas; of fields "a.b=c" and "a.b!=c".
bool is_selected(const kubernetes::Selection& selection, const Json& object);

}  // namespace holdfast::test
