// Resource figures of containers. An engine measures once a second and holds a single answer back until it
// has; a stream for each container has the newest figures at hand.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controller/base/json.h"
#include "controller/model/status.h"
#include "runtimes/docker/engine/session.h"

namespace holdfast::docker {

// From one answer of GET /containers/{id}/stats. Memory is counted as `docker stats` does: without the file
// cache that can be dropped. cpu_percent stays empty, as does all of a container that doesn't run.
ResourceUsage usage_of(const Json& stats);

// Thread-safe.
class StatsStreams {
 public:
  explicit StatsStreams(Session& session) : session_(session) {}
  ~StatsStreams();
  StatsStreams(const StatsStreams&) = delete;
  StatsStreams& operator=(const StatsStreams&) = delete;

  // As Client::stats.
  std::vector<ResourceUsage> read(const std::vector<std::string>& containers);

 private:
  class Entry;
  std::shared_ptr<Entry> open(const std::string& container);

  Session& session_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace holdfast::docker
