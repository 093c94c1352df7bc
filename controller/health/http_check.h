// HTTP probes with libcurl's multi interface, driven by the event loop.
#pragma once

#include <memory>

#include "controller/base/event_loop.h"
#include "controller/health/check.h"
#include "controller/model/service_spec.h"

namespace holdfast::health {

// For the loop's thread only. 2xx and 3xx pass; redirects are not followed, certificates not verified (as
// Kubernetes does: a probe asks for life, not for identity), proxies never used, a body is read up to 16 KiB.
// No answer within the timeout is a failure; a URL that can't be asked is unknown.
class HttpChecks {
 public:
  explicit HttpChecks(EventLoop& loop);
  ~HttpChecks();  // checks under way are dropped without an answer
  HttpChecks(const HttpChecks&) = delete;
  HttpChecks& operator=(const HttpChecks&) = delete;

  void start(const HttpProbe& probe, Duration timeout, CheckDone done);

 private:
  class Multi;
  EventLoop& loop_;
  std::unique_ptr<Multi> multi_;  // made with the first check: libcurl takes some megabytes
};

}  // namespace holdfast::health
