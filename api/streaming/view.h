// What the facade shows of a service, taken from its published status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/model/status.h"

namespace holdfast::streaming {

struct ServiceView {
  bool running = false;  // a process (or container, pod) of it exists, be it on its way up or down
  bool ready = false;
  std::optional<std::int64_t> pid;
  std::optional<MonoTime> started_at;
  std::optional<WallTime> started_wall;
  std::optional<double> cpu_percent;  // of one core, all instances together
  std::optional<double> memory_mb;    // MiB, resident, all instances together
  std::optional<WallTime> last_heartbeat;
  std::optional<std::string> error;  // why it isn't serving though it should, or can't be seen
};
// Instances beyond the first that runs count towards cpu and memory only.
ServiceView view_of(const ServiceStatus& status);

bool occupies(const InstanceStatus& instance);  // there is something that would have to be stopped first

// As Python's datetime.isoformat() writes an aware UTC time: "2026-11-22T18:47:03.123456+00:00", without a
// fraction when it is zero.
std::string iso_time(WallTime time);

// {state: count} from the collector named "queue".
Json queue_stats(const ServiceStatus& status);
// From the collector named "rate" (its value "completed_last_hour", or its only one); 0 when there is none.
std::int64_t processing_rate(const ServiceStatus& status);
std::string queue_error(const ServiceStatus& status);  // empty: none

}  // namespace holdfast::streaming
