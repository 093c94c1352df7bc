#include "controller/health/worker_pool.h"

#include <utility>

namespace holdfast::health {

WorkerPool::~WorkerPool() {
  stop();
}

void WorkerPool::stop() {
  std::vector<std::jthread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    jobs_.clear();
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.request_stop();
}

void WorkerPool::submit(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  jobs_.push_back(std::move(job));
  if (jobs_.size() > idle_ && threads_.size() < max_threads_)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  wake_.notify_one();
}

void WorkerPool::work(const std::stop_token& stop) {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      ++idle_;
      const bool found = wake_.wait(lock, stop, [this] { return !jobs_.empty(); });
      --idle_;
      if (!found || stop.stop_requested()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace holdfast::health
