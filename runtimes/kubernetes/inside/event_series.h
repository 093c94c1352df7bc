// Which Kubernetes Events tell what has happened: equal ones become one with a count, and an object that
// something keeps happening to can't flood the API server. Decisions alone, as client-go makes them.
// Sources: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
//          https://pkg.go.dev/k8s.io/client-go/tools/record
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/json.h"

namespace holdfast::kubernetes {

// What an Event is about.
struct EventObject {
  std::string api_version{}, kind{}, namespace_{}, name{};
  std::string uid{};  // kubectl describe finds none without it; empty: the recorder asks for it
};

// As it is shown: cut to what the API server takes.
struct EventText {
  std::string reason{}, message{};
  bool warning = false;
  WallTime at{};
};

// Not thread-safe.
class EventSeries {
 public:
  struct Limits {
    Duration window = std::chrono::minutes{10};  // equal ones in it are one
    double burst = 25;
    Duration refill = std::chrono::seconds{5};  // one more for an object
    size_t objects = 1024, series = 4096;       // remembered
  };
  struct Write {
    std::string key{};   // of the series
    std::string name{};  // of the Event
    bool patch = false;  // otherwise it is created
    Json body{};
  };

  // `instance` tells which of several controllers: the pod's name.
  explicit EventSeries(std::string instance) : EventSeries(std::move(instance), Limits()) {}
  EventSeries(std::string instance, Limits limits) : instance_(std::move(instance)), limits_(limits) {}

  // nullopt: there were too many about this object.
  std::optional<Write> next(const EventObject& object, const EventText& text, MonoTime now);
  // It isn't there, or its name is taken: the next equal one is a new Event.
  void forget(const Write& write) { series_.erase(write.key); }

 private:
  struct Bucket {
    double tokens = 0;
    MonoTime at{};
  };
  struct Series {
    std::string name{};
    std::int64_t count = 0;
    MonoTime last{};
  };
  bool allow(const std::string& object, MonoTime now);
  std::string fresh_name(const std::string& object, WallTime at);
  [[nodiscard]] Json event(const EventObject& object, const EventText& text, const std::string& name) const;
  void make_room(MonoTime now);

  const std::string instance_;
  const Limits limits_;
  std::map<std::string, Bucket> buckets_;
  std::map<std::string, Series> series_;
  std::int64_t last_stamp_ = 0;
};

// At most that many bytes, without half a character at the end.
std::string cut_text(const std::string& text, size_t bytes);

}  // namespace holdfast::kubernetes
