// Watches the input directory and tells the queue what arrived.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/base/unique_fd.h"
#include "examples/streaming-converter/options.h"
#include "examples/streaming-converter/queue.h"

namespace holdfast::examples {

// Only files that were renamed to a subband's name count at once: that is how a feeder says that one is
// whole. The scan is the safety net for what inotify(7) can't tell: files from before, overflows, network
// file systems. For one thread.
class Intake {
 public:
  Intake(const Options& options, Queue& queue) : options_(options), queue_(queue) {}

  Status start();
  [[nodiscard]] int fd() const { return inotify_.get(); }  // readable: call on_events()
  // Both give how many groups became complete. After an error the arrivals are kept, and recorded next time.
  Result<int> on_events();
  Result<int> scan();

 private:
  void watch();
  bool read_events();  // false: something was missed, scan
  void note(std::string_view file);
  Result<int> record();

  const Options& options_;
  Queue& queue_;
  UniqueFd inotify_;
  bool watching_ = false;
  bool warned_of_surplus_ = false;
  std::map<std::string, std::uint64_t> collecting_;  // group -> a bit per subband
  std::set<std::string> unrecorded_;                 // groups whose bits the queue doesn't know yet
  std::set<std::string> settled_;                    // groups with files that are past collecting
};

}  // namespace holdfast::examples
