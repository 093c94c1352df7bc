// What tests share: temporary directories and a clock that only moves when told.
#pragma once

#include <string>

#include "controller/base/clock.h"

namespace holdfast::test {

// A fresh directory below the system's temporary one, removed with all it holds.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Thread-safe. Starts at 1,000 s after boot and 2026-01-01T00:00:00Z.
class SimClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const override;
  [[nodiscard]] WallTime wall() const override;
  void advance(Duration by);
  void advance_to(MonoTime time);
  void set_wall(WallTime time);  // a jump of the wall clock alone

 private:
  mutable std::mutex mutex_;
  MonoTime now_{std::chrono::seconds{1000}};
  WallTime wall_{std::chrono::seconds{1767225600}};
};

// Waits for condition without a fixed sleep interval being part of a test's meaning: checks it over and over
// with a short pause, and gives up (false) after a minute. For conditions that no event can tell.
bool wait_until(const std::function<bool()>& condition);

}  // namespace holdfast::test
