// What an adapter has told of, for tests that wait for it.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtimes/runtime.h"

namespace holdfast::test {

// Thread-safe. Has to outlive the runtimes that it listens to.
class Heard {
 public:
  void listen_to(Runtime& runtime) {
    runtime.on_change([this](const std::string& service) {
      const std::lock_guard lock(mutex_);
      told_.insert(service);
    });
    runtime.on_note([this](const RuntimeNote& note) {
      const std::lock_guard lock(mutex_);
      notes_.push_back(note);
    });
  }
  // Since the last forget().
  bool told(const std::string& service) const {
    const std::lock_guard lock(mutex_);
    return told_.contains(service);
  }
  std::vector<RuntimeNote> notes() const {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    told_.clear();
    notes_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> told_;
  std::vector<RuntimeNote> notes_;
};

}  // namespace holdfast::test
