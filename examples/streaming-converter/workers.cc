#include "examples/streaming-converter/workers.h"

#include "controller/base/log.h"

namespace holdfast::examples {

WorkerPool::WorkerPool(const Options& options, Queue& queue, const Conversion& conversion)
    : options_(options),
      queue_(queue),
      conversion_(conversion),
      interval_(seconds(options.worker_poll_interval)) {
  for (int i = 0; i < options_.max_workers; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

WorkerPool::~WorkerPool() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void WorkerPool::wake() {
  {
    const std::lock_guard lock(mutex_);
    ++wakes_;
  }
  woken_.notify_all();
}

unsigned long WorkerPool::wakes() {
  const std::lock_guard lock(mutex_);
  return wakes_;
}

void WorkerPool::pause(const std::stop_token& stop, unsigned long seen) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, stop, interval_, [&] { return wakes_ != seen; });
}

void WorkerPool::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto seen = wakes();  // before the look at the queue, so that no wake is missed
    const auto claim = queue_.claim(interval_);
    if (!claim) log::error(claim.error().message);
    if (claim && *claim) {
      convert(**claim, stop);
    } else {
      pause(stop, seen);
    }
  }
}

void WorkerPool::convert(const Claim& claim, const std::stop_token& stop) {
  log::debug("group started", {{"group", claim.group}, {"attempt", claim.attempts}});
  const auto product = conversion_.run(claim);
  // Until the outcome is recorded the group isn't done; the queue may be locked by others for a while.
  for (;;) {
    const auto settled = settle(claim, product);
    if (settled) return;
    log::error(settled.error().message, {{"group", claim.group}});
    if (stop.stop_requested()) return;  // the next run finds it in progress, and the product in place
    pause(stop, wakes());
  }
}

Status WorkerPool::settle(const Claim& claim, const Result<Product>& product) {
  if (product) {
    const auto status = queue_.complete(claim.group, conversion_.product_path(claim.group));
    if (status) log::info("group completed", {{"group", claim.group}, {"channels", product->channels}});
    return status;
  }
  const auto failed = queue_.fail_attempt(claim.group, product.error(), interval_);
  if (!failed) return fail(failed.error());
  log::warning(*failed ? "group failed" : "group will be retried",
               {{"group", claim.group}, {"attempt", claim.attempts}, {"error", product.error().message}});
  return {};
}

}  // namespace holdfast::examples
