// Updates of the control plane as server-sent events (WHATWG HTML, section 9.2): first a snapshot, then what
// follows, without a gap.
//
//   event: service          data: a service, as GET services/{name} shows it
//   event: snapshot-end     data: {"services": [names]}: what is not among them no longer exists
//   event: service-removed  data: {"name": ...}
//   event: event            data: an event, as GET events lists it
//   event: config           data: {}; GET config tells the rest
//
// Ids are "<epoch>.<sequence>": a client that resumes with Last-Event-ID after a restart of the controller,
// or with an id that is too old, gets a snapshot again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/http/server.h"
#include "controller/base/clock.h"
#include "controller/model/control_plane.h"

namespace holdfast::api {

struct StreamFilter {
  std::optional<std::string> service;  // only of this service
  bool events = true;                  // false: services only
};

class StreamFrames;

// Thread-safe.
class Streams {
 public:
  Streams(ControlPlane& plane, const Clock& clock);
  // Subscribes the stream; the returned function ends the subscription and may be called from any thread.
  std::function<void()> open(const http::Request& request, const std::shared_ptr<http::EventStream>& stream,
                             const StreamFilter& filter);

 private:
  [[nodiscard]] std::uint64_t resume_point(const http::Request& request) const;

  ControlPlane& plane_;
  std::string epoch_;
  std::shared_ptr<StreamFrames> frames_;
};

}  // namespace holdfast::api
