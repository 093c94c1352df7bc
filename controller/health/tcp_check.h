// TCP probes: does somebody accept a connection?
#pragma once

#include <memory>

#include "controller/base/event_loop.h"
#include "controller/health/check.h"
#include "controller/model/service_spec.h"

namespace holdfast::health {

class WorkerPool;

// For the loop's thread only. Addresses and "localhost" are connected to at once; other names are first
// resolved on the pool. A name that can't be resolved is a failure, a machine out of sockets is unknown.
class TcpChecks {
 public:
  TcpChecks(EventLoop& loop, WorkerPool& pool);
  ~TcpChecks();  // checks under way are dropped without an answer
  TcpChecks(const TcpChecks&) = delete;
  TcpChecks& operator=(const TcpChecks&) = delete;

  void start(const TcpProbe& probe, Duration timeout, CheckDone done);

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace holdfast::health
