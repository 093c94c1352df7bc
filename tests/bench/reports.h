// The receiving end of the reports of all bench-services.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "tests/bench/report.h"

namespace holdfast::bench {

std::int64_t mono_ns();

// Not thread-safe. Throws std::runtime_error when what is waited for doesn't come.
class Reports {
 public:
  explicit Reports(const std::string& fifo);  // opened for both directions: it never ends
  ~Reports();
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;

  // The next one, whoever it is from.
  Report next(std::chrono::milliseconds patience = std::chrono::seconds{120});
  // The next one of that name, and of another process than the newest one known.
  Report next_of(const std::string& name);
  // Until so many names have reported since `since_ns`; the newest start among them.
  std::int64_t collect(size_t count, std::int64_t since_ns);
  [[nodiscard]] const std::map<std::string, Report>& newest() const { return newest_; }

  // What is known survives from one driver to the next, in a file beside the fifo.
  void save() const;

 private:
  std::string fifo_;
  int fd_;
  std::map<std::string, Report> newest_;
};

}  // namespace holdfast::bench
