// Who wants to hear of changes, and is told without a lock held.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "runtimes/runtime.h"

namespace holdfast {

// Thread-safe.
class Listeners {
 public:
  using Change = std::function<void(const std::string& service)>;
  using Reach = std::function<void()>;
  using Note = std::function<void(const RuntimeNote&)>;

  void set(Change sink) { put(change_, std::move(sink)); }
  void set(Reach sink) { put(availability_, std::move(sink)); }
  void set(Note sink) { put(note_, std::move(sink)); }

  void changed(const std::string& service) const {
    if (const auto sink = copy(change_); sink && !service.empty()) sink(service);
  }
  void availability_changed() const {
    if (const auto sink = copy(availability_)) sink();
  }
  void note(const RuntimeNote& note) const {
    if (const auto sink = copy(note_)) sink(note);
  }

 private:
  template <typename Sink>
  void put(Sink& place, Sink sink) {
    const std::lock_guard lock(mutex_);
    place = std::move(sink);
  }
  template <typename Sink>
  Sink copy(const Sink& place) const {
    const std::lock_guard lock(mutex_);
    return place;
  }

  mutable std::mutex mutex_;
  Change change_;
  Reach availability_;
  Note note_;
};

}  // namespace holdfast
