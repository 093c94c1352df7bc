// The images of a FakeDockerEngine, and a registry from which it pulls.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "runtimes/docker/client/client.h"

namespace holdfast::test {

// Thread-safe.
class FakeDockerImages {
 public:
  void put(const std::string& reference, const std::string& id);  // on the machine
  void take(const std::string& reference);
  void publish(const std::string& reference, const std::string& id);     // where pulls find it
  void hold_pulls(bool hold);                                            // until this is lifted, pulls wait
  void progress(const std::string& reference, docker::PullProgress at);  // returns when it has been told
  [[nodiscard]] bool pulling(const std::string& reference) const;        // a pull waits
  [[nodiscard]] std::optional<std::string> id_of(const std::string& reference) const;

  // As docker::Client::pull.
  Status pull(const std::string& reference, const std::function<void(const docker::PullProgress&)>& progress,
              const std::stop_token& stop);

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::string> here_, published_;
  bool held_ = false;
  std::set<std::string> pulling_;
  std::map<std::string, docker::PullProgress> progress_;  // yet to be told
};

}  // namespace holdfast::test
