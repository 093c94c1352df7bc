// An EngineLink with two ways to engines in memory, and what its hooks have told.
#pragma once

#include "runtimes/docker/engine_link.h"
#include "tests/fakes/fake_docker_client.h"
#include "tests/support/support.h"

namespace holdfast::docker::test {

using holdfast::test::FakeDockerClient;
using holdfast::test::FakeDockerEngine;
using holdfast::test::SimClock;
using holdfast::test::TempDir;
using holdfast::test::wait_until;

inline Error refused() {
  return {.code = ErrorCode::kUnavailable, .message = "connection refused", .hint = {}};
}
inline Error hung() {
  return {.code = ErrorCode::kTimeout, .message = "no answer within 3 s", .hint = {}};
}

class Link : public testing::Test {
 protected:
  // Retries are quick, and nothing is listed but for a reason.
  Link() {
    options_.first_retry = options_.max_retry = std::chrono::milliseconds{1};
    options_.relist = std::chrono::hours{1};
    options_.identity_file = dir_ / "engine";
  }
  void make_engine(FakeDockerEngine& engine) {
    auto client = std::make_unique<FakeDockerClient>(engine);
    engine_ = client.get();
    owned_engine_ = std::move(client);
  }
  void make_cli(FakeDockerEngine& engine) {
    auto client = std::make_unique<FakeDockerClient>(engine, "docker CLI");
    cli_ = client.get();
    owned_cli_ = std::move(client);
  }
  void start() {
    link_ = std::make_unique<EngineLink>(std::move(owned_engine_), std::move(owned_cli_), options_);
    link_->start({.on_list = [this](Client& client) { note_list(client); },
                  .on_event =
                      [this](const ContainerEvent& event) {
                        const std::lock_guard lock(mutex_);
                        events_.push_back(event.action);
                      },
                  .on_availability =
                      [this] {
                        const std::lock_guard lock(mutex_);
                        told_.push_back(link_->availability().mode);
                      }});
  }
  void note_list(const Client& client) {
    const std::lock_guard lock(mutex_);
    ++lists_;
    listed_with_ = &client;
  }
  bool wait_for_mode(const std::string& mode) {
    return wait_until([&] {
      const auto now = link_->availability();
      return now.known && now.mode == mode;
    });
  }
  int lists() {
    const std::lock_guard lock(mutex_);
    return lists_;
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  std::vector<std::string> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  Status ask() {
    return link_->call([](Client& client) -> Status {
      const auto found = client.inspect("web");
      return found ? Status{} : Status(fail(found.error()));
    });
  }

  TempDir dir_;
  SimClock clock_;
  FakeDockerEngine one_{clock_, "engine-1"}, other_{clock_, "engine-2"};
  LinkOptions options_;
  std::unique_ptr<Client> owned_engine_, owned_cli_;
  FakeDockerClient *engine_ = nullptr, *cli_ = nullptr;

  std::mutex mutex_;
  std::vector<std::string> told_, events_;
  int lists_ = 0;
  const Client* listed_with_ = nullptr;
  std::unique_ptr<EngineLink> link_;
};

}  // namespace holdfast::docker::test
