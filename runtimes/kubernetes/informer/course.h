// What an informer does next: decisions alone, without a thread, a server or a clock of its own.
//
//   list -> watch -> watch -> ...       each watch goes on from the last version seen
//     ^       |
//     +-------+  410, a version that the server doesn't understand, three watches in a row that told nothing
//                and ended at once, or an outage longer than watch_time: the server may have been put back
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace holdfast::kubernetes {

// Not thread-safe.
class Course {
 public:
  struct Options {
    Duration watch_time{}, retry_initial{}, retry_max{};
  };
  // `random` gives numbers from 0 to 1.
  Course(Options options, std::function<double()> random);

  enum class Step {
    kWait,  // until wake_at(), or until there is something to tell
    kList,
    kWatch  // in place of the one that there was
  };
  // Told of a step, it counts as begun.
  Step next(MonoTime now);
  [[nodiscard]] MonoTime wake_at() const;

  void listed(MonoTime now, const std::string& version);
  void list_failed(MonoTime now, Error error);
  // How long the watch that begins shall last, as the server is asked.
  Duration watch_time();
  void opened(MonoTime now);
  void heard(MonoTime now, const std::string& version);  // an event, or a bookmark
  void ended(MonoTime now, std::optional<Error> error, long status);

  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] bool synced() const { return synced_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] size_t stalls() const { return stalls_; }

 private:
  enum class Phase { kToList, kListing, kToWatch, kWatching };

  void fail_with(MonoTime now, Error error);
  void retry(MonoTime now, Phase phase);
  void restored();
  [[nodiscard]] bool lively(MonoTime now) const;

  const Options options_;
  const std::function<double()> random_;
  Phase phase_ = Phase::kToList;
  MonoTime not_before_{};
  std::string version_;
  bool synced_ = false;
  std::optional<Error> error_;
  std::optional<MonoTime> down_since_;
  int failures_ = 0;  // in a row
  int barren_ = 0;    // watches in a row that told nothing
  size_t stalls_ = 0;

  // Of the watch that is there.
  Duration asked_{};
  MonoTime silent_until_{};  // longer than this it can't be
  std::optional<MonoTime> opened_at_;
  bool told_ = false;
};

}  // namespace holdfast::kubernetes
