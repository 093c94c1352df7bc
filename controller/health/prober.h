// Runs the probes of running instances and folds their results into InstanceHealth.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "controller/model/health.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"

namespace holdfast::health {

// Runs an exec probe's command beside an instance; wired to the runtime's ExecRunner.
using ExecFunction = std::function<Result<int>(const ServiceSpec& spec, const InstanceId& id,
                                               const std::vector<std::string>& argv, Duration timeout)>;

// Thread-safe, but must be destroyed on the loop's thread or when run() has returned. http and tcp probes run
// on the event loop without blocking it; exec probes on a small pool of threads. At most one check of an
// instance's probe is under way. A check that ran into its timeout is a failure, one that could not be made
// (no runtime) is neither. Checks of many instances are spread over their intervals; see cadence.h.
class Prober {
 public:
  static std::unique_ptr<Prober> create(EventLoop& loop, const Clock& clock, ExecFunction exec);
  virtual ~Prober() = default;
  // The instances of a service as observed; starts, keeps and ends probes to match: Starting and Running ones
  // are probed, Unknown ones go on if they were. Called by the loop after each observation; cheap when
  // nothing changed. notify probes are folded from the observation at once: view() is up to date afterwards,
  // and on_change is not called for it.
  virtual void track(const SpecPtr& spec, const std::vector<ObservedInstance>& instances) = 0;
  virtual void forget(const std::string& service) = 0;
  virtual void heartbeat(const std::string& service) = 0;
  [[nodiscard]] virtual HealthView view(const std::string& service) const = 0;
  [[nodiscard]] virtual std::optional<WallTime> last_heartbeat(const std::string& service) const = 0;
  // Called with a service's name when its view changed; set once, before the first track().
  virtual void on_change(std::function<void(const std::string&)> sink) = 0;
};

}  // namespace holdfast::health
