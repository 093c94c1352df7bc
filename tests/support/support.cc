#include "tests/support/support.h"

#include <filesystem>
#include <stdexcept>

#include <poll.h>

namespace holdfast::test {

TempDir::TempDir() : path_((std::filesystem::temp_directory_path() / "holdfast-test-XXXXXX").string()) {
  if (!mkdtemp(path_.data())) throw std::runtime_error("cannot make a temporary directory");
}
TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

MonoTime SimClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}
WallTime SimClock::wall() const {
  const std::lock_guard lock(mutex_);
  return wall_;
}
void SimClock::advance(Duration by) {
  const std::lock_guard lock(mutex_);
  now_ += by;
  wall_ += by;
}
void SimClock::advance_to(MonoTime time) {
  const std::lock_guard lock(mutex_);
  if (time <= now_) return;
  wall_ += time - now_;
  now_ = time;
}
void SimClock::set_wall(WallTime time) {
  const std::lock_guard lock(mutex_);
  wall_ = time;
}

bool wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 12'000; ++i) {
    if (condition()) return true;
    poll(nullptr, 0, 5);
  }
  return condition();
}

}  // namespace holdfast::test
