#include "api/http/inbox.h"

#include <stdexcept>

#include <sys/eventfd.h>

namespace holdfast::http {

Inbox::Inbox() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!event_) throw std::runtime_error("out of file descriptors");
}

bool Inbox::post(Message message) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  messages_.push_back(std::move(message));
  if (messages_.size() == 1) eventfd_write(event_.get(), 1);
  return true;
}

std::vector<Message> Inbox::take() {
  eventfd_t count = 0;
  eventfd_read(event_.get(), &count);
  const std::lock_guard lock(mutex_);
  return std::exchange(messages_, {});
}

void Inbox::close() {
  std::vector<Message> dropped;  // destroyed without the lock held
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(messages_);
  }
}

}  // namespace holdfast::http
