// The eight calls of /api/streaming, as the first system had them: a thin facade over the one service that
// `streaming.service` names (by default "streaming"). Field names, types and nullability are that system's.
//
// What the service declares for it: `parameters` with the 16 fields (see parameters.h; what is missing shows
// its default), and, for GET metrics, two collectors:
//   queue  one value per state of the queue: its count        -> queue_stats
//   rate   completed_last_hour: groups done in the last hour  -> processing_rate_per_hour
// An error of either is `queue_error`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/http/server.h"
#include "api/streaming/operations.h"
#include "api/streaming/parameters.h"
#include "controller/base/clock.h"
#include "controller/model/control_plane.h"

namespace holdfast::streaming {

struct FacadeOptions {
  std::string state_dir;  // of streaming_config.json and streaming.pid; empty: no files
  Environment environment = process_environment();
  OperationTimes times{};
};

// Owns one thread, on which the POST calls are decided and the files are kept. GET calls are answered from
// the newest status, on the server's own threads. Outlives every server that has its routes; control and
// clock outlive it.
class Facade {
 public:
  Facade(ControlPlane& control, const Clock& clock, const FacadeOptions& options);
  ~Facade();
  Facade(const Facade&) = delete;
  Facade& operator=(const Facade&) = delete;

  [[nodiscard]] std::vector<http::Route> routes();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::streaming
