#include "controller/reconciler/work_queue.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <utility>

namespace holdfast::reconciler {

WorkQueue::WorkQueue(const Clock& clock, RetryPolicy policy, std::uint64_t seed)
    : clock_(clock),
      real_time_(dynamic_cast<const SystemClock*>(&clock) != nullptr),
      policy_(policy),
      random_(seed) {}

void WorkQueue::add(const std::string& key) {
  add_at(key, clock_.now());
}

void WorkQueue::add_after(const std::string& key, Duration delay) {
  add_at(key, clock_.now() + delay);
}

void WorkQueue::add_at(const std::string& key, MonoTime due) {
  const std::lock_guard lock(mutex_);
  ++adds_;
  schedule(*entries_.try_emplace(key).first, due);
}

Duration WorkQueue::add_rate_limited(const std::string& key) {
  const MonoTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  ++adds_;
  ++retries_;
  Entries::value_type& entry = *entries_.try_emplace(key).first;
  const double grown = static_cast<double>(policy_.base.count()) * std::exp2(entry.second.failures);
  const double share = std::uniform_real_distribution<double>{0, policy_.jitter}(random_);
  const double capped = std::min(grown, static_cast<double>(policy_.max.count()));
  const Duration delay{static_cast<Duration::rep>(capped * (1 + share))};
  if (grown < static_cast<double>(policy_.max.count())) ++entry.second.failures;
  schedule(entry, now + delay);
  return delay;
}

void WorkQueue::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  found->second.failures = 0;
  release(found);
}

void WorkQueue::drop(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.due && !entry.processing) queue_.erase(Slot{*entry.due, entry.order, nullptr});
  entry.due.reset();
  entry.failures = 0;
  release(found);
}

void WorkQueue::schedule(Entries::value_type& entry, MonoTime due) {
  Entry& of = entry.second;
  if (of.due && *of.due <= due) return;
  if (of.processing) {
    of.due = due;
    return;
  }
  if (of.due) queue_.erase(Slot{*of.due, of.order, nullptr});
  of.due = due;
  of.order = next_order_++;
  const auto slot = queue_.insert(Slot{due, of.order, &entry}).first;
  // Only a new head can be due before the time at which a worker wakes anyway.
  if (slot == queue_.begin() && (!watched_until_ || due < *watched_until_)) tell_one();
}

void WorkQueue::release(Entries::iterator entry) {
  const Entry& of = entry->second;
  if (!of.due && !of.processing && of.failures == 0) entries_.erase(entry);
}

std::optional<std::string> WorkQueue::take(MonoTime now) {
  if (queue_.empty() || queue_.begin()->due > now) return std::nullopt;
  Entries::pointer entry = queue_.begin()->entry;
  queue_.erase(queue_.begin());
  entry->second.due.reset();
  entry->second.processing = true;
  ++processing_;
  return entry->first;
}

std::optional<std::string> WorkQueue::try_pop() {
  const MonoTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  return take(now);
}

std::optional<std::string> WorkQueue::pop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (auto key = take(clock_.now())) {
      // Someone else takes what is left, or watches for when it is due.
      if (!queue_.empty()) tell_one();
      return key;
    }
    wait(lock, stop);
  }
  return std::nullopt;
}

// Of all idle workers one wakes when the head is due; the others sleep until they are told. Nothing is
// missed: while something is queued, either a worker is awake and looks again, or one wakes no later than the
// head is due.
void WorkQueue::wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  const auto told = [this, seen = signals_] { return signals_ != seen; };
  const bool watched = !queue_.empty() && watched_until_ && *watched_until_ <= queue_.begin()->due;
  if (queue_.empty() || watched || !real_time_) {
    changed_.wait(lock, stop, told);
    return;
  }
  const MonoTime due = queue_.begin()->due;
  watched_until_ = due;
  changed_.wait_until(lock, stop, due, told);
  if (watched_until_ == due) watched_until_.reset();
}

void WorkQueue::tell_one() {
  ++signals_;
  changed_.notify_one();
}

void WorkQueue::done(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || !found->second.processing) return;
  found->second.processing = false;
  --processing_;
  if (const auto due = std::exchange(found->second.due, std::nullopt)) {
    schedule(*found, *due);
  } else {
    release(found);
  }
}

void WorkQueue::wake() {
  const std::lock_guard lock(mutex_);
  ++signals_;
  changed_.notify_all();
}

std::optional<MonoTime> WorkQueue::next_due() const {
  const std::lock_guard lock(mutex_);
  return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->due);
}

WorkQueue::Stats WorkQueue::stats() const {
  const MonoTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  Stats out;
  const auto later = std::find_if(queue_.begin(), queue_.end(), [now](const Slot& s) { return s.due > now; });
  out.depth = static_cast<std::uint64_t>(std::distance(queue_.begin(), later));
  out.delayed = queue_.size() - out.depth;
  out.processing = processing_;
  out.adds = adds_;
  out.retries = retries_;
  return out;
}

}  // namespace holdfast::reconciler
