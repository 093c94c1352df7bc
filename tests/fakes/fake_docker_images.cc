#include "tests/fakes/fake_docker_images.h"

#include <utility>

namespace holdfast::test {

void FakeDockerImages::put(const std::string& reference, const std::string& id) {
  const std::lock_guard lock(mutex_);
  here_[reference] = id;
}

void FakeDockerImages::take(const std::string& reference) {
  const std::lock_guard lock(mutex_);
  here_.erase(reference);
}

void FakeDockerImages::publish(const std::string& reference, const std::string& id) {
  const std::lock_guard lock(mutex_);
  published_[reference] = id;
}

void FakeDockerImages::hold_pulls(bool hold) {
  const std::lock_guard lock(mutex_);
  held_ = hold;
  changed_.notify_all();
}

void FakeDockerImages::progress(const std::string& reference, docker::PullProgress at) {
  std::unique_lock lock(mutex_);
  progress_[reference] = std::move(at);
  changed_.notify_all();
  changed_.wait(lock, [&] { return !progress_.contains(reference); });
}

bool FakeDockerImages::pulling(const std::string& reference) const {
  const std::lock_guard lock(mutex_);
  return pulling_.contains(reference);
}

std::optional<std::string> FakeDockerImages::id_of(const std::string& reference) const {
  const std::lock_guard lock(mutex_);
  const auto found = here_.find(reference);
  return found == here_.end() ? std::nullopt : std::optional(found->second);
}

Status FakeDockerImages::pull(const std::string& reference,
                              const std::function<void(const docker::PullProgress&)>& progress,
                              const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  pulling_.insert(reference);
  while (changed_.wait(lock, stop, [&] { return !held_ || progress_.contains(reference); }) &&
         progress_.contains(reference)) {
    const auto at = progress_.at(reference);
    lock.unlock();
    progress(at);
    lock.lock();
    progress_.erase(reference);
    changed_.notify_all();
  }
  pulling_.erase(reference);
  if (stop.stop_requested()) return fail(ErrorCode::kUnavailable, "the pull was given up");
  const auto found = published_.find(reference);
  if (found == published_.end())
    return fail(ErrorCode::kNotFound, "manifest for " + reference + " not found");
  here_[reference] = found->second;
  return {};
}

}  // namespace holdfast::test
