#include "controller/reconciler/turns.h"

#include <utility>

namespace holdfast::reconciler {

void Turns::set_limit(size_t limit) {
  const std::lock_guard lock(mutex_);
  limit_ = limit;
}

bool Turns::take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (limit_ && taken_ >= *limit_) {
    if (waits_.insert(key).second) waiting_.push_back(key);
    return false;
  }
  ++taken_;
  return true;
}

std::optional<std::string> Turns::end() {
  const std::lock_guard lock(mutex_);
  --taken_;
  if (waiting_.empty()) return std::nullopt;
  auto key = std::move(waiting_.front());
  waiting_.pop_front();
  waits_.erase(key);
  return key;
}

}  // namespace holdfast::reconciler
