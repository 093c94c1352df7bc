// The collectors that services declare: numbers from their own databases and metric pages, read at their
// intervals by threads of this room, never by the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "controller/base/clock.h"
#include "controller/model/service_spec.h"
#include "controller/model/status.h"

namespace holdfast::telemetry {

struct CollectorOptions {
  // A relative database path is taken from the service's workingDir, or without one from
  // <state_dir>/run/<service>/0, where the service itself would find it.
  std::string state_dir;
  Duration deadline = std::chrono::seconds{2};  // of one reading
  int max_threads = 4;                          // begun as needed; none without collectors
};

// Thread-safe.
class Collectors {
 public:
  static std::unique_ptr<Collectors> create(const Clock& clock, CollectorOptions options);
  virtual ~Collectors() = default;  // waits for readings under way: at most the deadline

  // From now on exactly these services; a collector that stays the same keeps its values and its interval,
  // one whose source changes begins anew.
  virtual void follow(const std::map<std::string, SpecPtr>& services) = 0;
  // By collector name. values are the last good ones and `at` says when they were read; error tells why the
  // newest reading failed. A collector that has never been read is there, empty.
  [[nodiscard]] virtual std::map<std::string, CollectedValues> values(const std::string& service) const = 0;
  // Called on a thread of this room with a service's name when values or an error changed; set once, before
  // the first follow().
  virtual void on_change(std::function<void(const std::string& service)> sink) = 0;
};

}  // namespace holdfast::telemetry
