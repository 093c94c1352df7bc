// Which client is in use: the engine's API first, the `docker` command if the engine can't be reached, and
// back when it can. Follows the engine's events through it, and lists all again after every gap.
//
//             ping answers                       ping answers
//   kDown -------------------> kEngine <-------------------------- kCli
//     ^  \                        | a call or the events fail,       ^
//     |   \-----------------------|---- and so does a ping           |
//     |    the engine doesn't answer, the command does --------------+
//     +---------------------------+
//
// While it is down every call fails at once, with the reason: a hung engine costs one deadline, not one a
// call.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "controller/base/clock.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

struct LinkOptions {
  Duration ping_timeout = std::chrono::seconds{3};
  Duration first_retry = std::chrono::milliseconds{100};  // doubling up to max_retry while nothing answers
  Duration max_retry = std::chrono::seconds{5};
  Duration relist = std::chrono::seconds{60};  // safety net beside the events
  Error no_engine{};            // why there is no client for the engine's API, if there is none
  std::string identity_file{};  // the engine seen last, so that another one is told from it; empty: not kept
  Duration events_overlap = std::chrono::seconds{5};  // what is asked for again after a gap
};

struct LinkHooks {
  std::function<void(Client&)> on_list;  // the link's thread: all may have changed, look. May block
  std::function<void(const ContainerEvent&)> on_event;  // a thread of the client's
  std::function<void()> on_availability;                // the link's thread
};

// Thread-safe.
class EngineLink {
 public:
  // Either may be null. Nothing happens before start().
  EngineLink(std::unique_ptr<Client> engine, std::unique_ptr<Client> cli, LinkOptions options = {});
  ~EngineLink();  // waits for a call under way
  EngineLink(const EngineLink&) = delete;
  EngineLink& operator=(const EngineLink&) = delete;

  void start(LinkHooks hooks);  // begins the thread; once
  void stop();                  // no hook runs afterwards
  void list_soon();             // on_list, as soon as something answers
  [[nodiscard]] Availability availability() const;

  // call(client) -> Result<...>; an error that may mean that nobody answers is looked into at once.
  template <typename Call>
  auto call(const Call& call) -> decltype(call(std::declval<Client&>())) {
    auto client = current();
    if (!client) return tl::unexpected<Error>(client.error());
    auto result = call(**client);
    if (!result &&
        (result.error().code == ErrorCode::kUnavailable || result.error().code == ErrorCode::kTimeout ||
         result.error().code == ErrorCode::kPermission))
      suspect();
    return result;
  }

 private:
  enum class Mode { kUnknown, kDown, kEngine, kCli };
  struct Found {
    Mode mode = Mode::kDown;
    EngineInfo info{};
    Error error{};  // kDown: why
  };

  Result<Client*> current() const;
  void suspect();
  void run(const std::stop_token& stop);
  void check();
  Found look_for_one();
  Result<EngineInfo> ask_cli();
  void remember(Client& client);
  void enter(const Found& found);
  void subscribe();
  void list();
  void wait(const std::stop_token& stop);

  const std::unique_ptr<Client> engine_, cli_;
  const LinkOptions options_;
  LinkHooks hooks_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  Mode mode_ = Mode::kUnknown;
  Availability availability_{.known = false, .available = false, .message = "Docker is being looked for"};
  Error down_{ErrorCode::kUnavailable, "Docker is being looked for", "", false, {}};
  bool suspected_ = true, list_due_ = false, events_open_ = false, events_ended_ = false;

  std::atomic<std::int64_t> last_event_ns_ = 0;
  // The link's thread only.
  Duration retry_{0};
  std::string identity_;
  std::unique_ptr<Subscription> events_;
  std::jthread thread_;
};

}  // namespace holdfast::docker
