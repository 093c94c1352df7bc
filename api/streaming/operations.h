// The facade's POST calls: each changes what is wanted, then follows the service until the outcome is known.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "api/http/server.h"
#include "api/streaming/verdict.h"
#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "controller/base/json.h"
#include "controller/model/control_plane.h"

namespace holdfast::streaming {

enum class Call { kConfig, kStart, kStop, kRestart };

struct OperationTimes {
  Duration hold = std::chrono::milliseconds{200};  // how long a service without probes must stay up
  Duration deadline =
      std::chrono::seconds{30};  // beside the service's grace period, where it must stop first
};

// Every method runs on the thread of `loop`, which may be kept busy for a moment by a file's fsync or a look
// into the logs; answers may be given from there only.
class Operations {
 public:
  Operations(ControlPlane& control, EventLoop& loop, const Clock& clock, Json defaults, OperationTimes times);
  ~Operations();  // answers what is still pending

  void begin(Call call, const http::Request& request, std::shared_ptr<http::Responder> responder);
  // A newer status of the facade's service; null: it was removed.
  void on_status(const std::string& service, const StatusPtr& status);
  // Runs a callback on the loop later, or never if this object is gone by then. Thread-safe.
  using Poster = std::function<void(std::function<void()>)>;
  void set_poster(Poster poster) { poster_ = std::move(poster); }

 private:
  struct Operation;
  using OperationPtr = std::shared_ptr<Operation>;

  Status save(const Operation& operation, const Json& values, http::Role role);
  void issue(const OperationPtr& operation, Verb verb);
  void follow(const OperationPtr& operation);
  void config(const OperationPtr& operation, const StatusPtr& status);
  void restart_if_untouched(const OperationPtr& operation, const StatusPtr& settled);
  void judge(const OperationPtr& operation, const StatusPtr& status);
  void judge_start_of(const OperationPtr& operation, const ServiceStatus& status);
  void hold(const OperationPtr& operation, const Verdict& verdict);
  void give_up(const OperationPtr& operation);
  void fail(const OperationPtr& operation, const Verdict& verdict);
  void succeed(const OperationPtr& operation, std::optional<std::int64_t> pid);
  void answer(const OperationPtr& operation, http::Response response);
  void answer(const OperationPtr& operation, bool success, const std::string& message,
              std::optional<std::int64_t> pid);
  std::string stderr_tail(const Operation& operation);

  ControlPlane& control_;
  EventLoop& loop_;
  const Clock& clock_;
  const Json defaults_;
  const OperationTimes times_;
  Poster poster_;
  std::list<OperationPtr> pending_;
};

}  // namespace holdfast::streaming
