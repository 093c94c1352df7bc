#include "api/http/stream_channel.h"

namespace holdfast::http {

void StreamChannel::notify() {
  if (notified_ || opening_) return;
  notified_ = true;
  inbox_->post(StreamActive{connection_});
}

bool StreamChannel::send(std::string event) {
  const std::lock_guard lock(mutex_);
  if (shut_ || closing_ || overflow_) return false;
  if (!opening_ && unwritten_ - opening_unwritten_ + event.size() > max_backlog_) {
    overflow_ = true;
    std::string().swap(pending_);
    notify();
    return false;
  }
  unwritten_ += event.size();
  if (pending_.empty()) {
    pending_ = std::move(event);
  } else {
    pending_ += event;
  }
  notify();
  return true;
}

void StreamChannel::close() {
  const std::lock_guard lock(mutex_);
  if (shut_ || closing_) return;
  closing_ = true;
  notify();
}

StreamChannel::Batch StreamChannel::take() {
  const std::lock_guard lock(mutex_);
  notified_ = false;
  return {std::exchange(pending_, {}), closing_, overflow_};
}

void StreamChannel::opened() {
  const std::lock_guard lock(mutex_);
  opening_ = false;
  opening_unwritten_ = unwritten_;
}

void StreamChannel::charge(size_t bytes) {
  const std::lock_guard lock(mutex_);
  unwritten_ += bytes;
  if (opening_) return;
  if (unwritten_ - opening_unwritten_ > max_backlog_) overflow_ = true;
}

void StreamChannel::written(size_t bytes) {
  const std::lock_guard lock(mutex_);
  unwritten_ -= std::min(bytes, unwritten_);
  opening_unwritten_ -= std::min(bytes, opening_unwritten_);
}

void StreamChannel::shut() {
  const std::lock_guard lock(mutex_);
  shut_ = true;
  std::string().swap(pending_);
}

}  // namespace holdfast::http
