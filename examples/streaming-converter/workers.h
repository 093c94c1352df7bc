// The threads that convert groups.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "examples/streaming-converter/conversion.h"
#include "examples/streaming-converter/options.h"
#include "examples/streaming-converter/queue.h"

namespace holdfast::examples {

// Conversions in threads take turns, since HDF5 runs under one lock; syncing, copying and the queue overlap.
// With --use-subprocess whole conversions run side by side. Any thread may call wake().
class WorkerPool {
 public:
  WorkerPool(const Options& options, Queue& queue, const Conversion& conversion);
  ~WorkerPool();  // each worker finishes the group it is at

  void wake();  // there may be something to claim

 private:
  void work(const std::stop_token& stop);
  void convert(const Claim& claim, const std::stop_token& stop);
  Status settle(const Claim& claim, const Result<Product>& product);
  unsigned long wakes();
  // Until a wake after the seen one, the stop, or one interval has passed.
  void pause(const std::stop_token& stop, unsigned long seen);

  const Options& options_;
  Queue& queue_;
  const Conversion& conversion_;
  const Duration interval_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  unsigned long wakes_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace holdfast::examples
