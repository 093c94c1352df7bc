#include "controller/reconciler/loop_stats.h"

#include <algorithm>
#include <limits>

namespace holdfast::reconciler {

void LoopStats::begin(MonoTime now) {
  const std::lock_guard lock(mutex_);
  active_[std::this_thread::get_id()] = now;
}

void LoopStats::end(Outcome outcome, MonoTime now) {
  const std::lock_guard lock(mutex_);
  const auto it = active_.find(std::this_thread::get_id());
  if (it == active_.end()) return;
  const double seconds = std::chrono::duration<double>(now - it->second).count();
  active_.erase(it);
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  ++buckets_.at(static_cast<size_t>(bucket));
  sum_ += seconds;
  switch (outcome) {
    case Outcome::kSuccess:
      ++success_;
      break;
    case Outcome::kError:
      ++error_;
      break;
    case Outcome::kRequeue:
      ++requeue_;
      break;
  }
}

void LoopStats::set_workers(std::uint64_t workers) {
  const std::lock_guard lock(mutex_);
  workers_ = workers;
}

void LoopStats::fill(ReconcilerStats& stats, MonoTime now) const {
  const std::lock_guard lock(mutex_);
  stats.reconciles_success = success_;
  stats.reconciles_error = error_;
  stats.reconciles_requeue = requeue_;
  std::uint64_t count = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    count += buckets_.at(i);
    stats.duration_buckets.emplace_back(
        i < kBounds.size() ? kBounds.at(i) : std::numeric_limits<double>::infinity(), count);
  }
  stats.duration_sum = sum_;
  stats.duration_count = count;
  stats.workers = workers_;
  stats.active_workers = active_.size();
  for (const auto& [thread, since] : active_) {
    stats.longest_running_seconds =
        std::max(stats.longest_running_seconds, std::chrono::duration<double>(now - since).count());
  }
}

}  // namespace holdfast::reconciler
