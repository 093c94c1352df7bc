// What an engine tells of the containers of one test, as it happens: to find duplicates however briefly they
// live, and to strike in the midst of an operation.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "runtimes/docker/client/client.h"

namespace holdfast::test {

// Thread-safe. Follows from construction on.
class EngineWatch {
 public:
  // host: "unix:///..."; word: in the names of all containers to follow.
  EngineWatch(const std::string& host, std::string word);
  ~EngineWatch();
  EngineWatch(const EngineWatch&) = delete;
  EngineWatch& operator=(const EngineWatch&) = delete;

  // KILLs the process with the next event of that action ("create" "start" "die" "destroy") that is not of
  // the service `but`, at once. False: there was none within half a minute.
  bool strike(pid_t pid, const std::string& action, const std::string& but);
  [[nodiscard]] int started(const std::string& service) const;  // how often
  // Two containers that lived at the same time for one instance, and a gap in what the engine told.
  [[nodiscard]] std::vector<std::string> faults() const;
  [[nodiscard]] docker::Client& client() { return *client_; }

 private:
  void take(const docker::ContainerEvent& event);

  const std::string word_;
  SystemClock clock_;
  std::unique_ptr<docker::Client> client_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::map<std::string, std::set<std::string>> alive_;  // "service/ordinal" -> ids
  std::map<std::string, int> started_;
  std::vector<std::string> faults_;
  pid_t target_ = -1;
  std::string action_, but_;

  std::unique_ptr<docker::Subscription> events_;  // the last to be made, the first to go
};

}  // namespace holdfast::test
