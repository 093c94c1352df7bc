// What happens to services, as Events that kubectl describe and kubectl get events show.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "controller/model/event.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/inside/event_series.h"

namespace holdfast::kubernetes {

// Thread-safe. Its own thread speaks to the API server; what it can't keep up with is dropped and counted.
class EventRecorder {
 public:
  struct Options {
    std::string instance{};  // the pod's name
    // What a service is, "" for the controller itself; nullopt: nothing here. Called on the recorder's
    // thread.
    std::function<std::optional<EventObject>(const std::string& service)> locate{};
    size_t queue = 1000;
    Duration retry_initial = std::chrono::seconds{1}, retry_max = std::chrono::seconds{30};
    int attempts = 12;  // for one event, while nobody answers: some five minutes
    EventSeries::Limits limits{};
  };
  struct Stats {
    std::uint64_t written = 0;
    std::uint64_t dropped = 0;  // the queue was full, or there were too many about one object
    std::uint64_t failed = 0;   // the API server refused them
  };

  // `client` and `clock` must outlive it.
  EventRecorder(Client& client, const Clock& clock, Options options);
  ~EventRecorder();  // what is queued is lost: see flush()
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  // Never blocks.
  void record(const Event& event);
  // Until all that was recorded is written or given up; false after `timeout`.
  bool flush(Duration timeout);
  [[nodiscard]] Stats stats() const;
  // Why the newest was not written; nullopt: it was.
  [[nodiscard]] std::optional<Error> error() const;

 private:
  void run(const std::stop_token& stop);
  // False: nobody answers, the same again later.
  bool handle(const Event& event);
  bool send(const EventObject& object, const EventSeries::Write& write);
  Result<std::string> uid_of(const EventObject& object);
  bool later(const Error& error);
  bool done(std::uint64_t Stats::* counter, const std::optional<Error>& error);
  void tell(const std::optional<Error>& error);

  Client& client_;
  const Clock& clock_;
  const Options options_;

  // Of the thread alone.
  struct KnownUid {
    std::string uid{};
    MonoTime asked_at{};
  };
  EventSeries series_;
  std::map<std::string, KnownUid> uids_;
  std::optional<std::pair<EventObject, EventSeries::Write>> unsent_;  // of the event at the front

  mutable std::mutex mutex_;
  std::deque<Event> queue_;  // the front one is being worked on
  Stats stats_;
  std::optional<Error> error_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace holdfast::kubernetes
