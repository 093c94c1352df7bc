// A container engine in memory: what FakeDockerClient talks to, and what "people" do behind Holdfast's back.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::test {

// Thread-safe. A container runs until it gets KILL, TERM or its own stop signal, or is told to exit; a deaf
// one heeds KILL alone. Events are told before the call that causes them returns.
class FakeDockerEngine {
 public:
  explicit FakeDockerEngine(const Clock& clock, std::string identity = "engine-1");

  // ---- what others do; containers go by name or id
  void put_image(const std::string& reference, const std::string& id);  // on the machine
  void take_image(const std::string& reference);
  void publish(const std::string& reference, const std::string& id);     // where pulls find it
  void hold_pulls(bool hold);                                            // until this is lifted, pulls wait
  void progress(const std::string& reference, docker::PullProgress at);  // returns when it has been told
  [[nodiscard]] bool pulling(const std::string& reference) const;        // a pull waits
  void exit(const std::string& container, int code, bool oom_killed = false);
  void pause(const std::string& container);
  void destroy(const std::string& container);  // docker rm --force
  void make_deaf(const std::string& container);
  void refuse_to_start(const std::string& container, const std::string& why);  // empty: no longer
  // "Config", "HostConfig", ... of its inspect document, as `docker update` and the engine's own ideas change
  // it.
  void edit(const std::string& container, const std::function<void(Json&)>& change);
  void tell(docker::ContainerEvent event);  // an event out of nothing

  // ---- what there is
  [[nodiscard]] std::set<std::string> names() const;
  [[nodiscard]] docker::Container look(const std::string& container) const;  // no id: there is none
  [[nodiscard]] std::vector<int> signals(const std::string& container) const;
  [[nodiscard]] std::vector<std::string> uploads(const std::string& container) const;  // "directory\ntar"
  [[nodiscard]] int subscribers() const;

  // ---- what clients ask; the contract is docker::Client's
  [[nodiscard]] const std::string& identity() const { return identity_; }
  Result<std::vector<docker::ContainerRow>> list(const std::string& label);
  Result<std::optional<docker::Container>> inspect(const std::string& container);
  Result<std::string> create(const std::string& name, const docker::CreateSpec& spec);
  Status start(const std::string& container);
  Status signal(const std::string& container, int signal);
  Status unpause(const std::string& container);
  Status remove(const std::string& container);
  Result<std::optional<docker::Image>> image(const std::string& reference);
  Status pull(const std::string& reference, const std::function<void(const docker::PullProgress&)>& progress,
              const std::stop_token& stop);
  Status upload(const std::string& container, const std::string& directory, const std::string& tar);
  std::unique_ptr<docker::Subscription> events(std::int64_t since_ns, docker::EventHandlers handlers,
                                               const void* client);
  void end_events(const void* client, const Error& why);  // of this client alone

 private:
  struct Entry {
    std::string id, name, image_id, refusal;
    Json body, state;  // as of POST /containers/create, and "State" of its inspect document
    std::vector<int> signals;
    std::vector<std::string> uploads;
    bool deaf = false;
    std::optional<int> pending;  // came while it was paused
  };
  struct Subscriber;
  class Followed;

  Entry* find(const std::string& container);
  [[nodiscard]] const Entry* find(const std::string& container) const;
  [[nodiscard]] static Json document(const Entry& entry);
  std::string next_time();
  docker::ContainerEvent event(const Entry& entry, const std::string& action);
  docker::ContainerEvent end(Entry& entry, int code, bool oom_killed);

  const Clock& clock_;
  const std::string identity_;
  mutable std::mutex mutex_;
  std::condition_variable_any pulls_;
  std::map<std::string, Entry> containers_;  // by id
  std::map<std::string, std::string> images_, registry_;
  bool held_ = false;
  std::set<std::string> waiting_;                         // references that are being pulled
  std::map<std::string, docker::PullProgress> progress_;  // yet to be told
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
  std::vector<docker::ContainerEvent> told_;
  std::int64_t ticks_ = 0;  // so that no two times are alike
  int made_ = 0;
};

}  // namespace holdfast::test
