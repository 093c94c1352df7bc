// A container engine in memory: what FakeDockerClient talks to, and what "people" do behind Holdfast's back.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "runtimes/docker/client/client.h"
#include "tests/fakes/fake_docker_events.h"
#include "tests/fakes/fake_docker_images.h"

namespace holdfast::test {

// Thread-safe. A container runs until it gets KILL, TERM or its own stop signal, or is told to exit; a deaf
// one heeds KILL alone. Events are told before the call that causes them returns.
class FakeDockerEngine {
 public:
  explicit FakeDockerEngine(const Clock& clock, std::string identity = "engine-1");

  FakeDockerImages& images() { return images_; }
  FakeDockerEvents& events() { return events_; }

  // ---- what others do; containers go by name or id
  void exit(const std::string& container, int code, bool oom_killed = false);
  void pause(const std::string& container);
  void destroy(const std::string& container);  // docker rm --force
  void make_deaf(const std::string& container);
  void refuse_to_start(const std::string& container, const std::string& why);  // empty: no longer
  // "Config", "HostConfig", ... of its inspect document, as `docker update` and the engine's own ideas change
  // it.
  void edit(const std::string& container, const std::function<void(Json&)>& change);

  // ---- what there is
  [[nodiscard]] std::set<std::string> names() const;
  [[nodiscard]] docker::Container look(const std::string& container) const;  // no id: there is none
  [[nodiscard]] std::vector<int> signals(const std::string& container) const;
  [[nodiscard]] std::vector<std::string> uploads(const std::string& container) const;  // "directory\ntar"

  // ---- what clients ask; the contract is docker::Client's
  [[nodiscard]] const std::string& identity() const { return identity_; }
  Result<std::vector<docker::ContainerRow>> list(const std::string& label);
  Result<std::optional<docker::Container>> inspect(const std::string& container);
  Result<std::string> create(const std::string& name, const docker::CreateSpec& spec);
  Status start(const std::string& container);
  Status signal(const std::string& container, int signal);
  Status unpause(const std::string& container);
  Status remove(const std::string& container);
  Status upload(const std::string& container, const std::string& directory, const std::string& tar);

 private:
  struct Entry {
    std::string id, name, image_id, refusal;
    Json body, state;  // as of POST /containers/create, and "State" of its inspect document
    std::vector<int> signals;
    std::vector<std::string> uploads;
    bool deaf = false;
    std::optional<int> pending;  // came while it was paused
  };

  Entry* find(const std::string& container);
  [[nodiscard]] const Entry* find(const std::string& container) const;
  [[nodiscard]] static Json document(const Entry& entry);
  std::string next_time();
  docker::ContainerEvent event(const Entry& entry, const std::string& action);
  docker::ContainerEvent end(Entry& entry, int code, bool oom_killed);

  const Clock& clock_;
  const std::string identity_;
  FakeDockerImages images_;
  FakeDockerEvents events_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> containers_;  // by id
  std::int64_t ticks_ = 0;                   // so that no two times are alike
  int made_ = 0;
};

}  // namespace holdfast::test
