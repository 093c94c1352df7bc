// Which service is looked at next, and when. One entry per key; of several due times the earliest wins; a key
// is never worked on twice at once.
//
//   add ---> waiting (due later) ---> ready (due) --pop--> processing --done--> (gone)
//                ^                                            | add meanwhile: dirty
//                +--------------------------------------------+ done: waiting again
//
// This is the queue's own backoff for infrastructure errors (a runtime that doesn't answer). That of crash
// loops lives in the ledger; the two never mix.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <unordered_map>

#include "controller/base/clock.h"

namespace holdfast::reconciler {

struct RetryPolicy {
  Duration base = std::chrono::milliseconds{200};  // after the first error
  Duration max = std::chrono::seconds{30};         // doubling up to this
  double jitter = 0.2;                             // adds up to this share
};

// Thread-safe. Every operation is O(log n) in the number of keys that are queued, but stats().
class WorkQueue {
 public:
  struct Stats {
    std::uint64_t depth = 0;       // due and waiting for a worker
    std::uint64_t delayed = 0;     // due later
    std::uint64_t processing = 0;  // being worked on
    std::uint64_t adds = 0;        // ever, retries included; adding again what is queued counts too
    std::uint64_t retries = 0;     // ever, by add_rate_limited
  };

  // Blocking pop() waits in real time with a SystemClock; with any other clock it waits until something is
  // added or wake() tells that time has moved.
  explicit WorkQueue(const Clock& clock, RetryPolicy policy = {},
                     std::uint64_t seed = std::random_device{}());
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void add(const std::string& key);  // due now
  void add_after(const std::string& key, Duration delay);
  void add_at(const std::string& key, MonoTime due);
  // After an infrastructure error: due after a delay that grows with each call until forget(). Returns the
  // delay.
  Duration add_rate_limited(const std::string& key);
  void forget(const std::string& key);  // resets that backoff: the work went well, or the key is gone
  // Not queued any more; if it is being processed, that goes on, but nothing follows. For removed services.
  void drop(const std::string& key);

  // The key that has been due longest; it is processing until done(key). Blocks until there is one; nullopt
  // once stop is requested.
  std::optional<std::string> pop(const std::stop_token& stop);
  std::optional<std::string> try_pop();  // nullopt: nothing is due
  void done(const std::string& key);
  void wake();  // a clock that is no SystemClock has moved

  [[nodiscard]] std::optional<MonoTime> next_due() const;  // nullopt: nothing is queued
  [[nodiscard]] Stats stats() const;

 private:
  struct Entry {
    std::optional<MonoTime> due;  // queued, or dirty while processing
    std::uint64_t order = 0;      // among equal due times: first come, first served
    bool processing = false;
    int failures = 0;
  };
  using Entries = std::unordered_map<std::string, Entry>;
  struct Slot {
    MonoTime due;
    std::uint64_t order;
    Entries::pointer entry;  // stable: unordered_map never moves its nodes
    bool operator<(const Slot& other) const {
      return due != other.due ? due < other.due : order < other.order;
    }
  };

  void schedule(Entries::value_type& entry, MonoTime due);  // lock held
  void release(Entries::iterator entry);                    // lock held: forgets what is idle
  std::optional<std::string> take(MonoTime now);            // lock held
  void wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  void tell_one();  // lock held

  const Clock& clock_;
  const bool real_time_;
  const RetryPolicy policy_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Entries entries_;
  std::set<Slot> queue_;                   // of entries that are due some time and not processing
  std::optional<MonoTime> watched_until_;  // the earliest time at which a waiting worker wakes by itself
  std::mt19937_64 random_;
  std::uint64_t next_order_ = 0, adds_ = 0, retries_ = 0, processing_ = 0, signals_ = 0;
};

}  // namespace holdfast::reconciler
